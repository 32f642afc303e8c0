-- kv-delete: removes a key if the condition holds.
--
-- KEYS, ARGV[1…4]  see kv-head.lua
-- ARGV[5]  expected: "" anything that is there, else a revision of 16 digits
-- Returns  "+" now revision, or an array as kv-put.lua ("!" or "L")
-- Events   <prefix>ev while watched: as kv-write.lua, with "D" and no entry
-- @include kv-head
if not current or (ARGV[5] ~= '' and sub(current, 1, 16) ~= ARGV[5]) then
  return { '!' .. nows, current or '', call('PTTL', KEYS[1]) }
end
if late then return { 'L' .. nows, current, -1 } end
call('DEL', KEYS[1])
call('SET', KEYS[2], revision)
call('ZREM', KEYS[4], ARGV[3])
call('ZREM', KEYS[5], ARGV[3])
if watched then
  call('$PUBLISH', ARGV[1] .. 'ev',
    prev .. revision .. 'D' .. fmt('%016.0f%04d', 0, #ARGV[3]) .. ARGV[3])
end
return '+' .. nows .. revision
