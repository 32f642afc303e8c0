-- lease-read: records of several names of one partition, as they stand.
--
-- KEYS[1]  the partition's hash. ARGV: encoded names.
-- Returns  server's µs, clock or "", then each record or ""
local clock = redis.call('TIME')
local reply = { string.format('%.0f', clock[1] * 1000000 + clock[2]) }
local found = redis.call('HMGET', KEYS[1], '~', unpack(ARGV))
for n = 1, #found do reply[n + 1] = found[n] or '' end
return reply
