-- lease-renew: "N" name owner token ttlMs, in lease.lua: moves the end of a claim that holds to
-- ttlMs from now, and confirms it.
--
-- KEYS     those of lease.lua. ARGV: from `at` on, the operation's own
-- Returns  "N" renewed, "L" lost: its time was over, or the token is another's. Nothing comes back
--          that had ended. No event: observers learn of the new end when the old one passes.
reply = 'L'
if record then
  local _, to = find(held, '\n' .. ARGV[at + 2] .. '\t', 1, true)
  if to and sub(held, to + 1, to + 16) == ARGV[at + 3] then
    local stood = sub(held, to + 18, to + 33)
    if tonumber(stood) > now then
      local stop = fmt('%.0f', now + 1000 * ARGV[at + 4])
      if stood > stop then stop = stood end
      held = sub(held, 1, to + 17) .. stop .. '\t0' .. sub(held, to + 36)
      if not find(held, '\n', 2, true) then soon = tonumber(stop) end
      call('HSET', key, field, fmt('%016.0f%016.0f', soon, total) .. held .. '\f' .. line)
      reply = 'N'
    end
  end
end
