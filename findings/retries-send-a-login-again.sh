#!/bin/sh
# superagent 10.4.2 `.retry(2)`, ofetch 1.5.1 `{ retry: 2 }`, wretch 2.11.1 with its `retry` middleware, axios-retry 4.5.0 with a condition of one's own,
# undici 7.30.2 `RetryAgent`, got 14.6.6 (npm) and aiohttp-retry 2.9.1 (PyPI): what each does with a POST, such as a login, and a GET that are
# answered 429 or 503 with `Retry-After: 60`.
#
# One would expect that what is asked to retry sends a POST again only on request, and waits for as long as the answer says.
# Seen: of seven, only got and undici leave the POST alone. superagent sends it again at once, twice, after 429 as after 503, and never
# looks at `Retry-After`; ofetch does so as soon as a number is given, and without one sends GETs twice; wretch waits half a second, aiohttp-retry
# (after 503) a fifth. axios-retry waits its minute, also for the POST. undici cuts the minute to 30 seconds, which is
# too early, and does so each time.
#
# For who runs a login service: one press of a button is three attempts, all within a second: a limit of five a minute is spent by two presses,
# and the client's log shows one request each. Switch retries off for login, registration and change of password.
# Doorward counts each attempt, says how long to wait (`Retry-After`, in whole seconds), and takes a refresh that is sent again
# for the same refresh.
#
# Installs the packages in a temporary folder, runs them with timers that do not wait, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts superagent@10.4.2 ofetch@1.5.1 wretch@2.11.1 axios@1.21.1 axios-retry@4.5.0 undici@7.30.2 got@14.6.6
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'aiohttp-retry==2.9.1' 'aiohttp==3.14.5'

cat > probe.mjs <<'JAVASCRIPT'
import http from "node:http";
import axios from "axios";
import axiosRetry from "axios-retry";
import got from "got";
import { ofetch } from "ofetch";
import superagent from "superagent";
import { Agent, RetryAgent, request } from "undici";
import wretch from "wretch";
import { retry } from "wretch/middlewares";

let status, seen;
const server = http.createServer((message, answer) => {
  seen += 1;
  message.resume().on("end", () => answer.writeHead(status, { "retry-after": "60", connection: "close" }).end("{}"));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${server.address().port}/`;

// Whatever a library waits for between two attempts is noted and cut short. Bounds on time begin before the first answer.
const wait = globalThis.setTimeout;
let waits = [];
globalThis.setTimeout = (then, milliseconds, ...more) => {
  const isPause = seen > 0 && milliseconds >= 100 && !/timed-out|Timeout\.|util\/timers/.test(new Error().stack);
  if (isPause) waits.push(milliseconds / 1000);
  return wait(then, isPause ? 1 : milliseconds, ...more);
};

const withAxios = axios.create({ proxy: false });
axiosRetry(withAxios, { retries: 2, retryCondition: (error) => [429, 503].includes(error.response?.status) });
const dispatcher = new RetryAgent(new Agent(), { maxRetries: 2 });
const ways = {
  superagent: (method) => superagent(method, url).retry(2),
  ofetch: (method) => ofetch(url, { method, retry: 2 }),
  "ofetch unasked": (method) => ofetch(url, { method }),
  wretch: (method) => wretch(url).middlewares([retry({ maxAttempts: 2 })])[method.toLowerCase()]().res(),
  "axios-retry": (method) => withAxios({ url, method }),
  undici: async (method) => (await request(url, { method, dispatcher })).body.text(),
  got: (method) => got(url, { method, retry: { limit: 2 } }),
};
for (status of [429, 503]) {
  for (const [name, way] of Object.entries(ways)) {
    for (const method of ["GET", "POST"]) {
      seen = 0;
      waits = [];
      await way(method).catch(() => {});
      console.log(`${status}: ${name}: ${method} sent ${seen} times, waits: ${waits.join(" ") || "none"}`);
    }
  }
}
process.exit();
JAVASCRIPT
cat > probe.py <<'PYTHON'
import asyncio

from aiohttp import web
from aiohttp_retry import ExponentialRetry, RetryClient

sleep, waits, seen = asyncio.sleep, [], []

async def note(seconds, *_):
    waits.append(f"{seconds:g}")
    await sleep(0)

async def main():
    status = 0

    async def handler(request):
        seen.append(request.method)
        return web.Response(status=status, headers={"Retry-After": "60"})

    application = web.Application()
    application.router.add_route("*", "/", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    for status in [429, 503]:
        for method in ["GET", "POST"]:
            seen.clear()
            waits.clear()
            async with RetryClient(retry_options=ExponentialRetry(attempts=3)) as client:
                asyncio.sleep = note
                async with client.request(method, f"http://127.0.0.1:{port}/"):
                    pass
                asyncio.sleep = sleep
            print(f"{status}: aiohttp-retry: {method} sent {len(seen)} times, waits: {' '.join(waits) or 'none'}")
    await runner.cleanup()

asyncio.run(main())
PYTHON
{
    node probe.mjs
    env/bin/python probe.py
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
429: superagent: GET sent 3 times, waits: none
429: superagent: POST sent 3 times, waits: none
429: ofetch: GET sent 3 times, waits: none
429: ofetch: POST sent 3 times, waits: none
429: ofetch unasked: GET sent 2 times, waits: none
429: ofetch unasked: POST sent 1 times, waits: none
429: wretch: GET sent 3 times, waits: 0.5 1
429: wretch: POST sent 3 times, waits: 0.5 1
429: axios-retry: GET sent 3 times, waits: 60 60
429: axios-retry: POST sent 3 times, waits: 60 60
429: undici: GET sent 3 times, waits: 30 30
429: undici: POST sent 1 times, waits: none
429: got: GET sent 3 times, waits: 60 60
429: got: POST sent 1 times, waits: none
503: superagent: GET sent 3 times, waits: none
503: superagent: POST sent 3 times, waits: none
503: ofetch: GET sent 3 times, waits: none
503: ofetch: POST sent 3 times, waits: none
503: ofetch unasked: GET sent 2 times, waits: none
503: ofetch unasked: POST sent 1 times, waits: none
503: wretch: GET sent 3 times, waits: 0.5 1
503: wretch: POST sent 3 times, waits: 0.5 1
503: axios-retry: GET sent 3 times, waits: 60 60
503: axios-retry: POST sent 3 times, waits: 60 60
503: undici: GET sent 3 times, waits: 30 30
503: undici: POST sent 1 times, waits: none
503: got: GET sent 3 times, waits: 60 60
503: got: POST sent 1 times, waits: none
429: aiohttp-retry: GET sent 1 times, waits: none
429: aiohttp-retry: POST sent 1 times, waits: none
503: aiohttp-retry: GET sent 3 times, waits: 0.2 0.4
503: aiohttp-retry: POST sent 3 times, waits: 0.2 0.4
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
