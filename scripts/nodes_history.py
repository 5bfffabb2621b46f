"""What clients of several nodes have seen of their sessions, and whether one register a session explains it.

A session is a register of two values: its generation, which never goes down, and whether it has ended, which is for ever. Each operation
takes its place somewhere between its begin and its end; one that got no answer may have been done or not, also later.

A database that took over may lack what was acknowledged last: such an answer tells nothing of what is later, and whose session is not there
at all may be refused. Nobody else may."""

import collections
from dataclasses import dataclass

# How long, in seconds, a token of an ended session may still be taken by another node.
BOUND = 2.0


@dataclass(frozen=True)
class Operation:
    """What one client did with a session, and what came of it. Times are of one monotonic clock, in seconds."""

    session: str
    kind: str  # refresh, me or logout
    begun: float
    ended: float
    outcome: str  # ok, refused (401) or unknown: 503, or no answer at all
    presented: int = 0  # the generation of the refresh token that was sent
    received: int = 0  # and of the one that came
    token: str = ""  # which came, without what names the key


@dataclass(frozen=True)
class Loss:
    """Another database took over. What was answered before it began is there."""

    begun: float
    ended: float  # from then on it is the other one that answers
    sessions: frozenset  # those that are not there


def violations(history, losses=()):
    """In words; none if all is as it must be."""
    sessions = collections.defaultdict(list)
    for operation in sorted(history, key=lambda operation: operation.begun):
        sessions[operation.session].append(operation)
    return [found for session, operations in sessions.items() for found in violations_of(session, operations, losses)]


def violations_of(session, operations, losses):
    def lasting(one):
        return not any(loss.begun <= one.ended <= loss.ended for loss in losses)

    refreshed = [operation for operation in operations if operation.kind == "refresh" and operation.outcome == "ok"]
    tokens = {}
    for one in refreshed:
        if not one.presented <= one.received <= one.presented + 1:
            yield f"{session}: {one.presented} was answered with {one.received}"
        if lasting(one) and tokens.setdefault(one.received, one.token) != one.token:
            yield f"{session}: two tokens of generation {one.received}"
    highest, finished = 0, collections.deque(sorted(filter(lasting, refreshed), key=lambda operation: operation.ended))
    for one in refreshed:
        while finished and finished[0].ended < one.begun:
            highest = max(highest, finished.popleft().received)
        if one.received < highest:
            yield f"{session}: generation {one.received} after {highest} had been seen"
    # Nobody asked for the end, and the session is there: nobody may be refused.
    asked = min((one.begun for one in operations if one.kind == "logout"), default=float("inf"))
    asked = min([asked, *(loss.begun for loss in losses if session in loss.sessions)])
    for one in operations:
        if one.outcome == "refused" and one.kind != "logout" and one.ended < asked:
            yield f"{session}: {one.kind} was refused, and nobody had logged out"
    # Whoever has seen the end: nothing succeeds from then on, but for what other nodes remember for a while.
    ends = (one for one in operations if one.outcome == ("ok" if one.kind == "logout" else "refused"))
    seen = min((one.ended for one in ends if lasting(one)), default=float("inf"))
    for one in operations:
        late = one.begun - seen
        if one.outcome == "ok" and late > 0 and (one.kind == "refresh" or one.kind == "me" and late > BOUND):
            yield f"{session}: {one.kind} was done {late:.2f} s after the end"
