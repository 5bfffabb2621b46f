-- Each thread has one connection and one session (TOKENS, by commas): it presents what it was given last. Of several Set-Cookie wrk shows the
-- last alone: here all set the refresh token last.
dofile((os.getenv("SCRIPTS") or ".") .. "/count.lua")

local token
function init()
  local at = 0
  for one in os.getenv("TOKENS"):gmatch("[^,]+") do
    at = at + 1
    if at == number then
      token = one
    end
  end
end

function request()
  return wrk.format("POST", nil, { ["Cookie"] = "refresh_token=" .. token })
end

function response(status, headers)
  count(status)
  for name, value in pairs(headers) do
    if name:lower() == "set-cookie" and value:find("^refresh_token=") then
      token = value:match("^refresh_token=([^;]+)")
    end
  end
end
