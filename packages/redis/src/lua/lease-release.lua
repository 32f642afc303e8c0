-- lease-release: "R" name owner token only, in lease.lua: gives back what the owner holds, or takes
-- it out of the line.
--
-- KEYS     those of lease.lua. ARGV: from `at` on, the operation's own
-- token    "" for any. only: "1" only a grant that was never confirmed.
-- Returns  "R" held until now, "E" did not (its time was over, or never came),
--          "W" holders: stood in line
-- What is free then goes to the line in the same step.
local owner, token = ARGV[at + 2], ARGV[at + 3]
local unconfirmed = ARGV[at + 4] == '1'
reply = 'E'
if record then
  local from, to = find(held, '\n' .. owner .. '\t', 1, true)
  if from and (token == '' or sub(held, to + 1, to + 16) == token)
    and (not unconfirmed or sub(held, to + 35, to + 35) == '1') then
    if tonumber(sub(held, to + 18, to + 33)) > now then
      reply = 'R'
      ended = sub(held, to + 1, to + 16)
    end
    total = total - tonumber(sub(held, to + 37, to + 52))
    local rest = find(held, '\n', to, true)
    held = sub(held, 1, from - 1) .. (rest and sub(held, rest) or '')
    if held == '' then soon = 9e15 end
    changed = true
  elseif not unconfirmed then
    from, to = find(line, '\n' .. owner .. '\t', 1, true)
    if from then
      local rest = find(line, '\n', to, true)
      line = sub(line, 1, from - 1) .. (rest and sub(line, rest) or '')
      reply = 'W'
      changed = true
    end
  end
  if line ~= '' or soon <= now then settle() end
  if changed then store() end
  if reply == 'W' then reply = reply .. held end
end
