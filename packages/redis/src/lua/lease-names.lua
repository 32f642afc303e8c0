-- lease-names: one step through the names of a partition.
--
-- KEYS[1]  the partition's hash. ARGV[1] cursor, "0" to begin.
-- Returns  next cursor ("0" at the end), clock or "", then encoded names (some may come twice)
local step = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 500)
local reply = { step[1], redis.call('HGET', KEYS[1], '~') or '' }
for n = 1, #step[2], 2 do
  if string.sub(step[2][n], 1, 1) ~= '~' then reply[#reply + 1] = step[2][n] end
end
return reply
