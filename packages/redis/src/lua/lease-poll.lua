-- lease-poll: tells a watcher how far the partitions have come, and asks them to go on telling.
--
-- KEYS     the partitions' hashes
-- Returns  server's µs, then for each: clock or "", and 1 if it knew that somebody watches, else 0
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local reply = { string.format('%.0f', now) }
for n = 1, #KEYS do
  local found = redis.call('HMGET', KEYS[n], '~', '~w')
  local known = found[2] and tonumber(found[2]) > now
  -- Written only when half of it has passed: a poll is a read most of the time.
  if not known or tonumber(found[2]) < now + $WATCHED * 500 then
    redis.call('HSET', KEYS[n], '~w', string.format('%.0f', now + $WATCHED * 1000))
  end
  reply[2 * n] = found[1] or ''
  reply[2 * n + 1] = known and '1' or '0'
end
return reply
