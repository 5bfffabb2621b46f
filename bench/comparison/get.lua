-- Asks one thing, with COOKIE where it is set; METHOD and BODY as they are. Answers may differ.
local scripts = os.getenv("SCRIPTS") or "."
dofile(scripts .. "/count.lua")
dofile(scripts .. "/ask.lua")

function response(status)
  count(status)
end
