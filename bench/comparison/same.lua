-- Asks one thing, with COOKIE where it is set; METHOD and BODY as they are. All answers are alike, and wrk counts them by itself: a function that
-- is called with each of them costs as much as the answer.
dofile((os.getenv("SCRIPTS") or ".") .. "/ask.lua")

function done(summary)
  local refused = summary.errors.status
  print(string.format("counted %d %d 0 %d", summary.requests - refused, refused, summary.duration))
end
