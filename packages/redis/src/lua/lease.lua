-- lease: a batch of claims, renewals, returns and clean-ups of one partition, in the order given.
--
-- KEYS[1]  hash of the partition: encoded name -> record, "~" -> clock (the last token granted),
--          "~w" -> until when somebody watches (µs)
-- ARGV[1]  prefix of the partition's inboxes and liveness keys
-- ARGV[2]  not after: claims that arrive later than this µs are refused; "" for no bound
-- ARGV[3…] operations, each with a fixed number of arguments:
--   "A" name owner ttlMs weight16 more                      lease-acquire.lua
--   "R" name owner token only                               lease-release.lua
--   "N" name owner token ttlMs                              lease-renew.lua
--   "S" name                                                settle only
-- Returns  one string for one operation, else an array: 16 digits of the server's µs, one letter,
--          facts (see each file).
-- Events   inbox <prefix>!<inbox>: "G" grants and "H" headship (lease-settle.lua);
--          <prefix>le while watched (lease-store.lua).
--
-- A record is 16 digits of the soonest end among its holders, 16 digits of the weights held, the
-- holders, "\f", the line:
--   holder  "\n" owner "\t" token16 "\t" end16 "\t" 1 if unconfirmed else 0 "\t" weight16 "\t"
--           ttlMs "\t" inbox "\t" data
--   waiter  "\n" owner "\t" weight16 "\t" capacity "\t" ttlMs "\t" inbox "\t" data
-- One string holds all: claims are cut out and appended without being parsed, one HMGET and one
-- HSET serve any operation, and nothing is left behind when the last claim goes. The soonest end
-- may be stale towards too early; settling then puts it right.
local call, fmt, sub = redis.call, string.format, string.sub
local key, prefix, notafter = KEYS[1], ARGV[1], ARGV[2]
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local nows = fmt('%.0f', now)
local late = notafter ~= '' and now > tonumber(notafter)
-- A claim alone, on a name that nobody has: most of all calls. Nothing else is set up for it.
if ARGV[3] == 'A' and not ARGV[9] and not late then
  local found = call('HMGET', key, ARGV[4], '~', '~w')
  local last, token = tonumber(found[2] or 0), nows
  if not found[1] and not (found[3] and tonumber(found[3]) > now) and last % 32 ~= 0 then
    if last >= now then token = fmt('%.0f', last + 1) end
    local stop = fmt('%.0f', now + 1000 * ARGV[6])
    call('HSET', key, ARGV[4], stop .. ARGV[7] .. '\n' .. ARGV[5] .. '\t' .. token .. '\t' .. stop
      .. '\t0\t' .. ARGV[7] .. '\t' .. ARGV[6] .. string.match(ARGV[8], '\t.*') .. '\f',
      '~', token)
    return nows .. 'G' .. token .. stop
  end
end
local find, match = string.find, string.match
-- A return alone, of the only claim on a name that nobody waits for: the other half of all calls.
if ARGV[3] == 'R' and not ARGV[8] and ARGV[7] ~= '1' then
  local found = call('HMGET', key, ARGV[4], '~w')
  local record, claim = found[1], '\n' .. ARGV[5] .. '\t' .. ARGV[6] .. '\t'
  local rest = 33 + #claim
  if record and not (found[2] and tonumber(found[2]) > now) and sub(record, -1) == '\f'
    and sub(record, 33, rest - 1) == claim and sub(record, rest, rest + 15) > nows
    and not find(record, '\n', rest, true) then
    call('HDEL', key, ARGV[4])
    return nows .. 'R'
  end
end
local replies, count, at = {}, 0, 3
-- State of the record at hand, shared by the parts included below.
local field, held, line, soon, total, last, before, watched, ended, asker, mine, changed
-- @include lease-settle
-- @include lease-store
while ARGV[at] do
  local op = ARGV[at]
  field = ARGV[at + 1]
  local found = call('HMGET', key, field, '~', '~w')
  local record = found[1]
  last = tonumber(found[2] or 0)
  before, ended, asker, mine, changed = last, '', nil, nil, false
  watched = found[3] and tonumber(found[3]) > now
  local reply
  if record then
    local cut = find(record, '\f', 1, true)
    soon, total = tonumber(sub(record, 1, 16)), tonumber(sub(record, 17, 32))
    held, line = sub(record, 33, cut - 1), sub(record, cut + 1)
  end
  if op == 'A' then
    -- @include lease-acquire
    at = at + 6
  elseif op == 'R' then
    -- @include lease-release
    at = at + 5
  elseif op == 'N' then
    -- @include lease-renew
    at = at + 5
  else
    if record then
      settle()
      if changed then store() end
    end
    reply = 'S'
    at = at + 2
  end
  count = count + 1
  replies[count] = nows .. reply
end
if count == 1 then return replies[1] end
return replies
