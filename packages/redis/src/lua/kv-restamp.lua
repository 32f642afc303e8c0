-- kv-restamp: gives the entry at a revision a new revision, and changes nothing else. A write that
-- still wanders about and expects the old revision can never land after it.
--
-- KEYS, ARGV[1…4]  see kv-head.lua (the operation id is not used)
-- ARGV[5]  the revision, 16 digits
-- Returns  "+" now revision, or "!" now when the entry is not at that revision
-- Events   see kv-write.lua
-- @include kv-head
if not current or sub(current, 1, 16) ~= ARGV[5] then return '!' .. nows end
local entry = revision .. sub(current, 17)
call('SET', KEYS[1], entry, 'KEEPTTL')
call('SET', KEYS[2], revision)
if watched then
  local left = call('PTTL', KEYS[1])
  call('$PUBLISH', ARGV[1] .. 'ev', prev .. revision .. 'P'
    .. fmt('%016.0f%04d', left < 0 and 0 or left, #ARGV[3]) .. ARGV[3]
    .. (#entry <= 8192 and entry or ''))
end
return '+' .. nows .. revision
