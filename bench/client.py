"""An HTTP/1.1 client for floods: little work a request, and connections that are kept."""

import asyncio
import json
import math
import time


class Connection:
    """One connection, made when first needed and again when the server has closed it."""

    def __init__(self, port):
        self.port, self.streams = port, None

    async def ask(self, method, path, body=None, **headers):
        """The status, the head as text and the body. Status 0: closed without an answer."""
        text = json.dumps(body).encode() if body is not None else b""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(text)}"]
        if text:
            lines.append("Content-Type: application/json")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        try:
            self.streams = self.streams or await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            reader, writer = self.streams
            writer.write("\r\n".join([*lines, "", ""]).encode() + text)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
            content = await reader.readexactly(int(fields.get("content-length", 0)))
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, "", b""
        if fields.get("connection") == "close":
            self.close()
        return int(head[9:12]), head, content

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None


def set_cookie(head, name):
    """The value of a cookie that an answer sets, or none."""
    for line in head.split("\r\n"):
        if line.lower().startswith(f"set-cookie: {name}="):
            return line.split("=", 1)[1].split(";")[0]
    return None


async def at_their_times(rate, seconds, one):
    """Open loop: `one(number)` so often a second, each at its time whatever became of those before. Their results, each with the
    milliseconds from when it was meant to begin."""
    begin = time.perf_counter() + 0.05

    async def timed(number, meant):
        result = await one(number)
        return result, (time.perf_counter() - meant) * 1000

    tasks = []
    for number in range(round(rate * seconds)):
        meant = begin + number / rate
        await asyncio.sleep(max(0, meant - time.perf_counter()))
        tasks.append(asyncio.create_task(timed(number, meant)))
    return await asyncio.gather(*tasks)


async def beside(work, port, rate, *requests):
    """Asks each of these (path, headers) so often a second while `work` goes on. What came of the work, and the milliseconds of each
    kind of request; all of them must be answered with 200."""
    done, samples = asyncio.ensure_future(work), [[] for _ in requests]

    async def one(sample, path, headers, meant):
        connection = Connection(port)
        status, _, _ = await connection.ask("GET", path, **headers)
        connection.close()
        sample.append((time.perf_counter() - meant) * 1000 if status == 200 else math.inf)

    tasks, meant = [], time.perf_counter()
    while not done.done():
        tasks += [asyncio.create_task(one(sample, path, headers, meant)) for sample, (path, headers) in zip(samples, requests)]
        meant += 1 / rate
        await asyncio.wait([done], timeout=max(0, meant - time.perf_counter()))
    await asyncio.gather(*tasks)
    return done.result(), samples


def percentile(sample, share):
    """Of milliseconds; the worst with share = 1."""
    ordered = sorted(sample)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
