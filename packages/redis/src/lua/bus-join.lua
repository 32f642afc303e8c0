-- bus-join: registers a member of a queue, or keeps it registered; or strikes it off.
--
-- KEYS[1]  registry of the queue's target
-- ARGV     1 queue "\t" member, 2 for how long in ms (0: strike off)
-- Returns  1
local ttl = tonumber(ARGV[2])
if ttl == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 1
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ttl)
return 1
