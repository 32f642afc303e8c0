-- kv-head: the shared beginning of the scripts that write one key.
--
-- KEYS     1 entry, 2 clock of the partition, 3 "somebody watches", 4 index of names (lex),
--          5 names by end of retention (score: ms)
-- ARGV     1 prefix of the partition, 2 not after (µs, or ""), 3 name, 4 operation id
-- Returns  nothing; goes on with the script
-- An entry is revision16 created16, two digits of the operation id's length, the id, the value.
local call, fmt, sub = redis.call, string.format, string.sub
local clock = call('TIME')
local nows = #clock[2] == 6 and clock[1] .. clock[2] or clock[1] .. fmt('%06d', clock[2])
-- Positions have 16 digits each, until the year 2286: as strings they compare like numbers.
local late = ARGV[2] ~= '' and nows > ARGV[2]
local found = call('MGET', KEYS[1], KEYS[2], KEYS[3])
local current, watched = found[1], found[3]
local prev = found[2] or '0000000000000000'
local revision = nows > prev and nows or fmt('%.0f', prev + 1)
