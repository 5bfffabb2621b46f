-- Asks once for each cookie of the file COOKIES, a line each; the threads share them out.
dofile((os.getenv("SCRIPTS") or ".") .. "/count.lua")

local cookies, at = {}, 0
function init()
  local line = 0
  for one in io.lines(os.getenv("COOKIES")) do
    line = line + 1
    if line % 2 == number % 2 then
      cookies[#cookies + 1] = wrk.format("GET", nil, { ["Cookie"] = one })
    end
  end
end

function request()
  at = at % #cookies + 1
  return cookies[at]
end

function response(status)
  count(status)
end
