-- time: the server's clock.
--
-- KEYS[1]  any key of the partition whose server is asked; not read. ARGV: none
-- Returns  µs since 1970
local clock = redis.call('TIME')
return string.format('%.0f', clock[1] * 1000000 + clock[2])
