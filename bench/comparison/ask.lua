-- What is asked: METHOD and BODY, with COOKIE where it is set.
wrk.method = os.getenv("METHOD") or "GET"
wrk.body = os.getenv("BODY")
if wrk.body then
  wrk.headers["Content-Type"] = "application/json"
end
wrk.headers["Cookie"] = os.getenv("COOKIE")
