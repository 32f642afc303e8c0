-- kv-get: an entry and what is left of its retention.
--
-- KEYS[1]  the entry
-- Returns  nil, or the server's µs, the entry and the ms left (below 0: for ever)
local entry = redis.call('GET', KEYS[1])
if not entry then return nil end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
return { string.format('%.0f', now), entry, redis.call('PTTL', KEYS[1]) }
