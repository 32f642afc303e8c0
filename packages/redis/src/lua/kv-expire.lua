-- kv-expire: forgets two names whose retention is over, if there are any: the index never grows
-- past its use.
--
-- KEYS, ARGV  those of the script it is part of, see kv-head.lua
-- Returns  nothing; goes on with the script
-- Events   <prefix>ev while watched: "X" for each, as kv-put.lua
local due = call('ZRANGEBYSCORE', KEYS[5], '-inf', fmt('%.0f', nows / 1000 - 1), 'LIMIT', 0, 2)
for n = 1, #due do
  local name = due[n]
  local encoded = string.gsub(name, '[^%w_:/-]', function(c)
    return fmt('=%02X', string.byte(c))
  end)
  local left = call('PTTL', ARGV[1] .. 'k:' .. encoded)
  if left == -1 then
    call('ZREM', KEYS[5], name)
  elseif left >= 0 then
    call('ZADD', KEYS[5], fmt('%.0f', nows / 1000 + left), name)
  else
    call('ZREM', KEYS[5], name)
    if call('ZREM', KEYS[4], name) == 1 and watched then
      local was = revision
      revision = fmt('%.0f', tonumber(revision) + 1)
      call('SET', KEYS[2], revision)
      call('$PUBLISH', ARGV[1] .. 'ev',
        was .. revision .. 'X' .. fmt('%016.0f%04d', 0, #name) .. name)
    end
  end
end
