-- lease-settle: settle() drops holders whose time is over, then hands what is free to the line.
--
-- KEYS, ARGV  those of lease.lua
-- Returns  nothing. Uses field, held, line, soon, total, last; sets changed. `asker`, if any, is
--          the owner whose own command this is: it is granted in full, without a push (`mine`).
-- Events   to the inbox of each who is granted  "G\t" name "\t" owner "\t" token "\t" end "\t" now
--          to the inboxes of two who watch  "H\t" name "\t" owner "\t" soonest end "\t" 1 or 2
--
-- A grant by push is unconfirmed and ends after the claim window unless its holder renews: a paused
-- process costs one window. Then all of that process's claims step back behind the others. Whoever
-- has no liveness key, or whose inbox nobody reads, is dead and is passed over at once.
local function settle()
  if soon <= now and held ~= '' then
    local kept, n, silent = {}, 0, nil
    soon, total = 9e15, 0
    for claim, expiry, unconfirmed, weight, inbox in string.gmatch(held,
      '(\n[^\t]*\t%d+\t(%d+)\t(%d)\t(%d+)\t%d+\t([^\t]*)\t[^\n]*)') do
      expiry = tonumber(expiry)
      if expiry > now then
        n = n + 1
        kept[n] = claim
        total = total + tonumber(weight)
        if expiry < soon then soon = expiry end
      elseif unconfirmed == '1' then
        silent = silent or {}
        silent[inbox] = true
      end
    end
    held = table.concat(kept)
    changed = true
    if silent then
      local stay, back = {}, {}
      for waiter, inbox in string.gmatch(line, '(\n[^\t]*\t%d+\t%d+\t%d+\t([^\t]*)\t[^\n]*)') do
        local to = silent[inbox] and back or stay
        to[#to + 1] = waiter
      end
      line = table.concat(stay) .. table.concat(back)
    end
  end
  local ranks, granted = changed, nil
  while line ~= '' do
    local owner, weight, capacity, ttl, inbox, data, rest =
      match(line, '^\n([^\t]*)\t(%d+)\t(%d+)\t(%d+)\t([^\t]*)\t([^\n]*)()')
    if total + tonumber(weight) > tonumber(capacity) then break end
    last = now > last and now or last + 1
    ttl = tonumber(ttl)
    local own = owner == asker
    local expiry = now + 1000 * ((own or ttl < $CLAIM) and ttl or $CLAIM)
    local token, stop = fmt('%.0f', last), fmt('%.0f', expiry)
    if not granted and not own then
      -- A server that may not write (a replica, one without memory) must fail before it pushes.
      call('HSET', key, '~', fmt('%.0f', last))
    end
    local alive = own or (call('EXISTS', prefix .. '!' .. inbox) == 1
      and call('$PUBLISH', prefix .. '!' .. inbox,
        'G\t' .. field .. '\t' .. owner .. '\t' .. token .. '\t' .. stop .. '\t' .. nows) > 0)
    if alive then
      held = held .. '\n' .. owner .. '\t' .. token .. '\t' .. stop .. '\t' .. (own and 0 or 1)
        .. '\t' .. weight .. '\t' .. fmt('%.0f', ttl) .. '\t' .. inbox .. '\t' .. data
      total = total + tonumber(weight)
      if expiry < soon then soon = expiry end
      if own then mine = token .. stop end
      granted = granted or {}
      granted[inbox] = true
    else
      -- What else it has in line falls at the EXISTS above, without another push.
      call('DEL', prefix .. '!' .. inbox)
    end
    line = sub(line, rest)
    changed, ranks = true, true
  end
  if ranks and line ~= '' then
    -- Two processes watch for the line, and not the one that was just granted if there are others:
    -- should it stand still, somebody has to see its window end.
    local told, known, looked = 0, granted or {}, 0
    for owner, inbox in string.gmatch(line, '\n([^\t]*)\t%d+\t%d+\t%d+\t([^\t]*)\t') do
      looked = looked + 1
      if not known[inbox] and owner ~= asker then
        known[inbox] = true
        told = told + call('$PUBLISH', prefix .. '!' .. inbox, 'H\t' .. field .. '\t' .. owner
          .. '\t' .. fmt('%.0f', soon) .. '\t' .. (told + 1))
      end
      if told == 2 or looked == 32 then break end
    end
    if told == 0 and granted then
      local owner, inbox = match(line, '^\n([^\t]*)\t%d+\t%d+\t%d+\t([^\t]*)\t')
      call('$PUBLISH', prefix .. '!' .. inbox,
        'H\t' .. field .. '\t' .. owner .. '\t' .. fmt('%.0f', soon) .. '\t1')
    end
  end
end
