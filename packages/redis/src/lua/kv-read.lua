-- kv-read: how several keys of one partition stand; forgets those whose retention is over.
--
-- KEYS     1 clock, 2 "somebody watches", 3 index of names, 4 names by end of retention
-- ARGV     1 prefix of the partition, 2… names
-- Returns  server's µs, clock or "", then for each name: ms left (-2: not there), entry or ""
-- Events   <prefix>ev while watched: "X" for each that is forgotten here, as kv-expire.lua
local call, fmt = redis.call, string.format
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local prev = tonumber(call('GET', KEYS[1]) or 0)
local reply = { fmt('%.0f', now), '' }
for n = 2, #ARGV do
  local name = ARGV[n]
  local encoded = string.gsub(name, '[^%w_:/-]', function(c)
    return fmt('=%02X', string.byte(c))
  end)
  local entry = call('GET', ARGV[1] .. 'k:' .. encoded)
  reply[#reply + 1] = call('PTTL', ARGV[1] .. 'k:' .. encoded)
  reply[#reply + 1] = entry or ''
  if not entry then
    call('ZREM', KEYS[4], name)
    if call('ZREM', KEYS[3], name) == 1 and call('EXISTS', KEYS[2]) == 1 then
      local revision = now > prev and now or prev + 1
      call('SET', KEYS[1], fmt('%.0f', revision))
      call('$PUBLISH', ARGV[1] .. 'ev', fmt('%016.0f%016.0fX%016.0f%04d', prev, revision, 0, #name)
        .. name)
      prev = revision
    end
  end
end
reply[2] = fmt('%016.0f', prev)
return reply
