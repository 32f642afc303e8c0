-- lease-store: store() writes the record at hand, or forgets it when nobody holds or waits.
--
-- KEYS, ARGV  those of lease.lua
-- Returns  nothing. Uses field, held, line, soon, total, last, ended (a token that was given back).
-- Events   <prefix>le while watched: previous clock, clock, now (16 digits each), name "\n" ended
--          "\n" record. The chain of clocks shows a watcher that it missed something.
local function store()
  local record = ''
  if held ~= '' or line ~= '' then
    record = fmt('%016.0f%016.0f', soon, total) .. held .. '\f' .. line
  end
  if watched and last == before then last = now > last and now or last + 1 end
  if record == '' then
    call('HDEL', key, field)
    if last ~= before then call('HSET', key, '~', fmt('%.0f', last)) end
  elseif last ~= before then
    call('HSET', key, field, record, '~', fmt('%.0f', last))
  else
    call('HSET', key, field, record)
  end
  if watched then
    call('$PUBLISH', prefix .. 'le', fmt('%016.0f%016.0f', before, last) .. nows .. field
      .. '\n' .. ended .. '\n' .. record)
  end
end
