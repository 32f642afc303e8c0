-- kv-fence: raises a fence record's floor to a token, and replaces its payload if one is given.
--
-- KEYS, ARGV[1…4]  see kv-head.lua
-- ARGV[5]  token, 16 digits
-- ARGV[6]  payload, when present
-- Returns  "+" now revision (of the entry that stands), "!" now floor (refused),
--          "L" now (too late), "?" now (what is stored is not a fence record)
-- Events   see kv-write.lua
-- The value is 16 digits of the floor, then the payload: strings of one length compare as numbers.
-- @include kv-head
local created, payload = nil, ARGV[6]
if current then
  created = sub(current, 17, 32)
  local head = 35 + tonumber(sub(current, 33, 34))
  local floor = sub(current, head, head + 15)
  if #floor ~= 16 or string.find(floor, '%D')
    or floor < '0000000000000001' or floor > '9007199254740991' then return '?' .. nows end
  if floor > ARGV[5] then return '!' .. nows .. floor end
  if sub(current, 35, head - 1) == ARGV[4] or (floor == ARGV[5] and not payload) then
    return '+' .. nows .. sub(current, 1, 16)
  end
  payload = payload or sub(current, head + 16)
end
if late then return 'L' .. nows end
local value, ttl = ARGV[5] .. (payload or ''), ''
-- @include kv-write
return '+' .. nows .. written
