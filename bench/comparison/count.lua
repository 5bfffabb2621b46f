-- Counts answers: good (200, 201), refused (429, 503), others. The state of a thread can be read at the end alone, through its globals.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

good, refused, other = 0, 0, 0
function count(status)
  if status == 200 or status == 201 then
    good = good + 1
  elseif status == 429 or status == 503 then
    refused = refused + 1
  else
    other = other + 1
  end
end

function done(summary)
  local sums = { 0, 0, 0 }
  for _, thread in ipairs(threads) do
    for index, name in ipairs({ "good", "refused", "other" }) do
      sums[index] = sums[index] + thread:get(name)
    end
  end
  print(string.format("counted %d %d %d %d", sums[1], sums[2], sums[3], summary.duration))
end
