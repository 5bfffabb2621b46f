"""The page, its plots, and the figures that the next run is compared with."""

import datetime
import json
import os
import platform
import re
import subprocess
from html import escape

from comparison.machine import spread
from server import ROOT

FIGURES = ROOT / "bench" / "compare.json"
PAGE = ROOT / "docs" / "performance.md"
# What must not pass unnoticed: a ratio that is worse by a tenth.
REGRESSION = 0.1

HEAD = """# Performance

<!-- Written by bench/compare. -->
What Doorward does beside the limit of the same machine, in the same run; and beside what teams use today. Ratios count: absolute figures are of
{machine}, with {versions}, on {date}. Each figure is the median of {rounds} runs of {seconds} s, by turns; the least and the greatest stand behind it.
Closed loops by [wrk](https://github.com/wg/wrk) on the same cores, whose share is told; open loops are timed from when a request was *meant* to be sent.

| | Doorward | beside | ratio | wanted |
|---|---|---|---|---|
"""

FAIR = """
## What each of them does

| | hashed by | who is asking | refresh | durable |
|---|---|---|---|---|
| Doorward | bcrypt, cost 12 | the token's signature and the session's row, which is remembered for seconds: an ended session is refused | rotated each time, reuse found | SQLite WAL, `synchronous=FULL`; PostgreSQL as it is installed |
| FastAPI, 2 workers | bcrypt, cost 12, in threads | the token's signature, and the user's row by PostgreSQL: an ended session lives until its token ends | rotated each time | PostgreSQL as it is installed |
| better-auth on Node | scrypt, N=16384, r=16 | a signed cookie with the session, no row: an ended session lives for an hour | none: one session token | SQLite WAL, `synchronous=FULL` |
| bare poem, bare crate, bare commits | - | - | - | one thing alone: the limit |

The peers are in `bench/fastapi` and `bench/better-auth`. `bench/compare` runs all of this again (about {minutes} minutes on two cores); `bench/compare --quick` takes
two minutes, and tells which ratio is worse by a tenth than the last that was committed.
"""


def digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def told(values, unit):
    middle, least, most = spread([figure.value for figure in values])
    unit = unit if unit.startswith("/") else f" {unit}"
    return f"{digits(middle)}{unit} ({digits(least)} to {digits(most)})"


def medians(results):
    return {name: spread([figure.value for figure in figures])[0] for name, figures in results.items()}


def page(scenarios, results, rounds, seconds, minutes):
    machine, versions = this_machine()
    text = HEAD.format(machine=machine, versions=versions, date=datetime.date.today().isoformat(), rounds=rounds, seconds=seconds)
    for scenario in scenarios:
        values = results[scenario.key]
        ratio, wanted = scenario.ratio(medians(values)), "at most" if scenario.less_is_better else "at least"
        bold = "" if scenario.met(medians(values)) else "**"
        text += f"| {scenario.title} | {told(values[scenario.of], scenario.unit)} | {told(values[scenario.to], scenario.unit)} ({scenario.to}) "
        text += f"| {bold}{ratio:.2f}{bold} | {wanted} {scenario.target:.3g} |\n"
    text += "\nWhat misses what is wanted is bold.\n"
    for scenario in scenarios:
        text += f"\n## {scenario.title[0].upper()}{scenario.title[1:]}\n\n![{scenario.title}](performance/{scenario.key}.svg)\n\n"
        for name, figures in results[scenario.key].items():
            note = figures[len(figures) // 2].note
            text += f"- {name}: {told(figures, scenario.unit)}{f'; {note}' if note else ''}\n"
    return text + FAIR.format(minutes=minutes)


def plot(scenario, results):
    """Bars, as SVG: the median, and a line from the least to the greatest."""
    rows = [(name, *spread([figure.value for figure in figures])) for name, figures in results.items()]
    most, height = max(row[3] for row in rows) * 1.15, 30 * len(rows) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" font-family="sans-serif" font-size="13">']
    parts.append(f"<title>{escape(scenario.title)}</title>")
    parts.append(f'<rect width="720" height="{height}" fill="#fff"/>')
    for at, (name, middle, least, greatest) in enumerate(rows):
        y, x = 10 + 30 * at, lambda value: 230 + 400 * value / most
        color = "#2563eb" if name == scenario.of else "#94a3b8"
        parts.append(f'<text x="222" y="{y + 15}" text-anchor="end">{escape(name.replace("`", ""))}</text>')
        parts.append(f'<rect x="230" y="{y}" width="{x(middle) - 230:.1f}" height="20" fill="{color}"/>')
        parts.append(f'<path d="M{x(least):.1f} {y + 10}H{x(greatest):.1f}" stroke="#0f172a" stroke-width="2"/>')
        parts.append(f'<text x="{x(greatest) + 8:.1f}" y="{y + 15}">{digits(middle)} {escape(scenario.unit)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(scenarios, results, rounds, seconds, minutes):
    folder = PAGE.with_suffix("")
    folder.mkdir(exist_ok=True)
    PAGE.write_text(page(scenarios, results, rounds, seconds, minutes))
    for scenario in scenarios:
        (folder / f"{scenario.key}.svg").write_text(plot(scenario, results[scenario.key]))


def regressions(scenarios, results, kind):
    """Compares with the committed ratios of the same kind of run, and writes the new ones."""
    before = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    ratios = {scenario.key: round(scenario.ratio(medians(results[scenario.key])), 3) for scenario in scenarios}
    worse = []
    for scenario in scenarios:
        last, now = before.get(kind, {}).get(scenario.key), ratios[scenario.key]
        if last and (now > last * (1 + REGRESSION) if scenario.less_is_better else now < last * (1 - REGRESSION)):
            worse.append(f"{scenario.title}: {last} before, {now} now")
    before[kind] = before.get(kind, {}) | ratios
    FIGURES.write_text(json.dumps(before, indent=2) + "\n")
    return worse


def this_machine():
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo", encoding="utf-8").read())
    machine = f"{os.cpu_count()} cores ({model.group(1) if model else platform.machine()}), {platform.freedesktop_os_release()['PRETTY_NAME']}"

    def version(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        return (done.stdout or done.stderr).strip().splitlines()[0]

    commit = version("git", "rev-parse", "--short", "HEAD")
    return machine, ", ".join([f"Doorward {commit}", version("rustc", "--version"), version("psql", "--version"), "node " + version("node", "--version")])
