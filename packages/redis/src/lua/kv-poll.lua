-- kv-poll: tells a watcher how far the partitions have come, and asks them to go on telling.
--
-- KEYS     for each partition: clock, "somebody watches"
-- Returns  server's µs, then for each: clock or "", and 1 if it knew that somebody watches, else 0
local clock = redis.call('TIME')
local reply = { string.format('%.0f', clock[1] * 1000000 + clock[2]) }
for n = 1, #KEYS, 2 do
  local known = redis.call('SET', KEYS[n + 1], '1', 'PX', $WATCHED, 'GET')
  reply[n + 1] = redis.call('GET', KEYS[n]) or ''
  reply[n + 2] = known and '1' or '0'
end
return reply
