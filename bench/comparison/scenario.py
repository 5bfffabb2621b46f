"""What a scenario is, and what all of them need."""

from dataclasses import dataclass, field

from comparison.machine import SCRIPTS, wrk


@dataclass
class Figure:
    """One run of one contender."""

    value: float
    note: str = ""


@dataclass
class Scenario:
    """`ratio`: of which contender to which, and what is wanted of it."""

    key: str
    title: str
    unit: str
    of: str
    to: str
    target: float
    less_is_better: bool = False
    runs: dict = field(default_factory=dict)

    def ratio(self, values):
        return values[self.of] / values[self.to]

    def met(self, values):
        return self.ratio(values) <= self.target if self.less_is_better else self.ratio(values) >= self.target


@dataclass
class Bench:
    """What the scenarios stand on."""

    folder: object  # temporary
    program: object  # benches/bare.rs
    python: object  # with bench/fastapi/requirements.txt, or none
    better_auth: object  # a folder with server.mjs and node_modules, or none
    database: object  # makes a PostgreSQL database
    seconds: int
    number: int = 0

    def fresh(self, name):
        self.number += 1
        return self.folder / f"{name}-{self.number}"

    def postgres(self):
        self.number += 1
        return self.database(f"bench{self.number}")


def load(url, pid, connections, seconds, **options):
    return wrk(url, pid, connections, seconds, SCRIPTS=str(SCRIPTS), **options)


def answered(done, figure=lambda done: done.good):
    note = f"{done.seconds_a_request * 1e6:.1f} us of CPU an answer, generator {done.generator:.2f} of the cores"
    return Figure(figure(done), note)


def jar(cookies):
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
