-- bus-publish: hands a message to all who listen, and to one member of each queue.
--
-- KEYS[1]  the bus's home (routes the command in a cluster; not read)
-- KEYS[2…] registries of queues whose target matches the subject: sorted sets of
--          queue "\t" member, by the end of the member's registration (ms)
-- ARGV     1 channel of the subject, 2 the message, 3 prefix of members' channels
-- Returns  how many received it
-- A member whose channel nobody reads is dead: it is struck off, and the next is tried.
local received = redis.call('PUBLISH', ARGV[1], ARGV[2])
if #KEYS == 1 or redis.call('EXISTS', unpack(KEYS, 2)) == 0 then return received end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for n = 2, #KEYS do
  local queues = {}
  local members = redis.call('ZRANGEBYSCORE', KEYS[n], now, '+inf')
  for _, member in ipairs(members) do
    local queue = string.match(member, '^[^\t]*')
    queues[queue] = queues[queue] or {}
    table.insert(queues[queue], member)
  end
  for _, candidates in pairs(queues) do
    -- Chosen by the clock's last digits: Lua's own chance is the same in every script.
    local first = tonumber(clock[2])
    for offset = 0, #candidates - 1 do
      local member = candidates[(first + offset) % #candidates + 1]
      if redis.call('PUBLISH', ARGV[3] .. string.match(member, '\t(.*)$'), ARGV[2]) > 0 then
        received = received + 1
        break
      end
      redis.call('ZREM', KEYS[n], member)
    end
  end
end
return received
