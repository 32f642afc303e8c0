-- kv-write: writes `value` as the entry's new state, with `ttl` ("" for ever) and `created`
-- (nil: born now).
--
-- KEYS, ARGV  those of the script it is part of, see kv-head.lua
-- Returns  nothing; goes on with the script
-- Events   <prefix>ev while watched: previous clock, revision (16 digits each), "P", retention in
--          ms (16 digits, 0 for ever), four digits of the name's length, the name, and the entry if
--          it is short; else the watcher asks for it.
created = created or revision
local entry = revision .. created .. fmt('%02d', #ARGV[4]) .. ARGV[4] .. value
if ttl == '' then
  call('MSET', KEYS[1], entry, KEYS[2], revision)
else
  -- A retention that ends later stands in its index already, too early: kv-expire will see.
  local left = current and call('PTTL', KEYS[1]) or -1
  call('SET', KEYS[1], entry, 'PX', ttl)
  call('SET', KEYS[2], revision)
  if left < 0 or left > tonumber(ttl) then
    call('ZADD', KEYS[5], fmt('%.0f', nows / 1000 + ttl), ARGV[3])
  end
end
if not current then call('ZADD', KEYS[4], 0, ARGV[3]) end
if watched then
  call('$PUBLISH', ARGV[1] .. 'ev', prev .. revision .. 'P'
    .. fmt('%016.0f%04d', ttl == '' and 0 or ttl, #ARGV[3]) .. ARGV[3]
    .. (#entry <= 8192 and entry or ''))
end
local written = revision
if ttl ~= '' then
  -- @include kv-expire
end
