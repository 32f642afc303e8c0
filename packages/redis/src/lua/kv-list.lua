-- kv-list: one page of the entries below a prefix, in the order of the names' bytes.
--
-- KEYS     1 index of names, 2 clock, 3 names by end of retention
-- ARGV     1 prefix of the partition, 2 lower bound (lex), 3 upper bound (lex),
--          4 bytes of the names' common prefix, 5 most entries, 6 "1" to go below collections
-- Returns  server's µs, clock or "", lower bound of the next page ("" at the end), then for each
--          entry name, retention left in ms (below 0: for ever), entry
-- A page is a snapshot. Names without an entry (retention over) are forgotten on the way.
local call, sub = redis.call, string.sub
local clock = call('TIME')
local nows = string.format('%.0f', clock[1] * 1000000 + clock[2])
local reply = { nows, call('GET', KEYS[2]) or '', '' }
local from, limit, skip = ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[4])
local entries, bytes, seen = 0, 0, 0
local done = false
while not done do
  local names = call('ZRANGEBYLEX', KEYS[1], from, ARGV[3], 'LIMIT', 0, limit)
  done = #names < limit
  for n = 1, #names do
    local name = names[n]
    local slash = ARGV[6] ~= '1' and string.find(name, '/', skip + 1, true)
    seen = seen + 1
    if slash then
      -- Below this collection: on with what follows it. '0' comes right after '/'.
      from = '[' .. sub(name, 1, slash - 1) .. '0'
      done = false
      break
    end
    from = '(' .. name
    local encoded = string.gsub(name, '[^%w_:/-]', function(c)
      return string.format('=%02X', string.byte(c))
    end)
    local entry = call('GET', ARGV[1] .. 'k:' .. encoded)
    if entry then
      local size = #reply
      reply[size + 1] = name
      reply[size + 2] = call('PTTL', ARGV[1] .. 'k:' .. encoded)
      reply[size + 3] = entry
      entries = entries + 1
      bytes = bytes + #entry
    else
      call('ZREM', KEYS[1], name)
      call('ZREM', KEYS[3], name)
    end
    if entries >= limit or bytes > 1048576 then
      reply[3] = from
      return reply
    end
  end
  if not done and seen > 2000 then
    reply[3] = from
    return reply
  end
end
return reply
