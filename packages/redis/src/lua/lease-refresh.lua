-- lease-refresh: keeps the waiters of one process alive, and its inbox tested.
--
-- KEYS     liveness keys, one for each partition in which the process waits
-- ARGV     inbox channels, one for each key
-- Returns  server's µs, then for each key 1 if it was there, else 0: the store has forgotten us
-- Events   "P" to each inbox: a process that does not hear it has a dead subscriber connection
local clock = redis.call('TIME')
local reply = { string.format('%.0f', clock[1] * 1000000 + clock[2]) }
for n = 1, #KEYS do
  local stood = redis.call('SET', KEYS[n], '1', 'XX', 'PX', $LIVENESS)
  reply[n + 1] = stood and '1' or '0'
  redis.call('$PUBLISH', ARGV[n], 'P')
end
return reply
