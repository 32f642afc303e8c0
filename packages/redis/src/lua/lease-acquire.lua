-- lease-acquire: "A" name owner ttlMs weight16 more, in lease.lua: claims, or asks after a claim.
--
-- KEYS     those of lease.lua. ARGV: from `at` on, the operation's own
-- more     "f" fair or "u" may overtake the line, capacity, "\t", inbox ("" does not wait), "\t",
--          data
-- Returns  "G" token16 end16             holds, confirmed; asked again, its end moves on
--          "Q" 1 or 2 if it shall watch for the line else 0, soonest end of a holder (16 digits)
--          "N" holders                   refused; nothing held, not in line
--          "L"                           came too late, nothing done
--          "F"                           the line is full, nothing done
local owner, ttl, weight = ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
local mode, capacity, inbox, data = match(ARGV[at + 5], '^(%a)(%d+)\t([^\t]*)\t(.*)$')
local stop = fmt('%.0f', now + 1000 * ttl)
-- The first waiter of a process watches, if at most one other process is before it.
local function rankof(who, where)
  local seen, others, looked = {}, 0, 0
  for each, process in string.gmatch(line, '\n([^\t]*)\t%d+\t%d+\t%d+\t([^\t]*)\t') do
    if each == who then break end
    looked = looked + 1
    if not seen[process] then others = others + 1 end
    seen[process] = true
    if others > 1 or looked == 32 then return '0' end
  end
  return seen[where] and '0' or tostring(others + 1)
end
if not record then
  if late then
    reply = 'L'
  elseif watched then
    held, line, soon, total = '', '', 9e15, 0
  else
    last = now > last and now or last + 1
    local token = fmt('%.0f', last)
    call('HSET', key, field, stop .. weight .. '\n' .. owner .. '\t' .. token .. '\t' .. stop
      .. '\t0\t' .. weight .. '\t' .. ttl .. '\t' .. inbox .. '\t' .. data .. '\f', '~', token)
    reply = 'G' .. token .. stop
    if before % 32 == 0 then
      -- As Redis itself expires: look at a few, now and then; what crashed holders left goes.
      local some = call('HRANDFIELD', key, 8)
      for n = 1, #some do
        if sub(some[n], 1, 1) ~= '~' then
          ARGV[#ARGV + 1] = 'S'
          ARGV[#ARGV + 1] = some[n]
        end
      end
    end
  end
else
  local _, to = find(held, '\n' .. owner .. '\t', 1, true)
  local stood = to and sub(held, to + 18, to + 33)
  if to and tonumber(stood) > now then
    if stood > stop then stop = stood end
    held = sub(held, 1, to + 17) .. stop .. '\t0' .. sub(held, to + 36)
    if not find(held, '\n', 2, true) then soon = tonumber(stop) end
    store()
    reply = 'G' .. sub(held, to + 1, to + 16) .. stop
  else
    local queued = find(line, '\n' .. owner .. '\t', 1, true)
    if queued or soon <= now then
      asker = owner
      settle()
    end
    if mine then
      store()
      reply = 'G' .. mine
    elseif queued then
      call('SET', prefix .. '!' .. inbox, '1', 'PX', $LIVENESS)
      if changed then store() end
      reply = 'Q' .. rankof(owner, inbox) .. fmt('%016.0f', soon)
    elseif late then
      if changed then store() end
      reply = 'L'
    end
  end
end
if not reply then
  local fits = total + tonumber(weight) <= tonumber(capacity)
  if fits and (line == '' or mode == 'u') then
    last = now > last and now or last + 1
    local token = fmt('%.0f', last)
    held = held .. '\n' .. owner .. '\t' .. token .. '\t' .. stop .. '\t0\t' .. weight .. '\t'
      .. ttl .. '\t' .. inbox .. '\t' .. data
    total = total + tonumber(weight)
    if tonumber(stop) < soon then soon = tonumber(stop) end
    store()
    reply = 'G' .. token .. stop
  elseif inbox ~= '' and #line > $LINE then
    if changed then store() end
    reply = 'F'
  elseif inbox ~= '' then
    local rank = rankof(owner, inbox)
    reply = 'Q' .. rank .. fmt('%016.0f', soon)
    line = line .. '\n' .. owner .. '\t' .. weight .. '\t' .. capacity .. '\t' .. ttl .. '\t'
      .. inbox .. '\t' .. data
    call('SET', prefix .. '!' .. inbox, '1', 'PX', $LIVENESS)
    store()
  else
    if changed then store() end
    reply = 'N' .. held
  end
end
