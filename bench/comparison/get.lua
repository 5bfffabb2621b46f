-- Asks one thing, with COOKIE where it is set; METHOD and BODY as they are.
dofile((os.getenv("SCRIPTS") or ".") .. "/count.lua")

wrk.method = os.getenv("METHOD") or "GET"
wrk.body = os.getenv("BODY")
if wrk.body then
  wrk.headers["Content-Type"] = "application/json"
end
wrk.headers["Cookie"] = os.getenv("COOKIE")

function response(status)
  count(status)
end
