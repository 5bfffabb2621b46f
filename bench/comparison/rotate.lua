-- Each thread has one connection and one session (TOKENS, by commas): it presents what it was given last. Of several Set-Cookie wrk shows the
-- last alone: here all set the refresh token last.
dofile((os.getenv("SCRIPTS") or ".") .. "/count.lua")

local token, before
function init()
  -- As `wrk.format` would write it, which would take most of a thread's time.
  before = string.format("POST %s HTTP/1.1\r\nHost: %s:%s\r\nCookie: refresh_token=", wrk.path, wrk.host, wrk.port)
  local at = 0
  for one in os.getenv("TOKENS"):gmatch("[^,]+") do
    at = at + 1
    if at == number then
      token = one
    end
  end
end

function request()
  return before .. token .. "\r\n\r\n"
end

function response(status, headers)
  count(status)
  token = (headers["set-cookie"] or ""):match("^refresh_token=([^;]+)") or token
end
