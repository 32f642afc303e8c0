-- kv-put: writes a value if the condition holds.
--
-- KEYS, ARGV[1…4]  see kv-head.lua
-- ARGV[5]  expected: "" anything, "-" absent, else a revision of 16 digits
-- ARGV[6]  retention in ms, "" for ever
-- ARGV[7]  the value
-- Returns  "+" now revision created (16 digits each), or an array with one letter and now,
--          the entry there ("" if none), its retention left in ms (below 0: none):
--          "=" this operation wrote it, "!" the condition does not hold, "L" too late, nothing done
-- Events   see kv-write.lua
-- @include kv-head
local created
if current then
  created = sub(current, 17, 32)
  if sub(current, 35, 34 + tonumber(sub(current, 33, 34))) == ARGV[4] then
    return { '=' .. nows, current, call('PTTL', KEYS[1]) }
  end
end
local expected, value, ttl = ARGV[5], ARGV[7], ARGV[6]
if expected ~= '' then
  local holds
  if expected == '-' then holds = not current
  else holds = current and sub(current, 1, 16) == expected end
  if not holds then return { '!' .. nows, current or '', call('PTTL', KEYS[1]) } end
end
if late then return { 'L' .. nows, current or '', -1 } end
-- @include kv-write
return '+' .. nows .. written .. created
