"""How long one decision takes, at 10, 1,000 and 10,000 rules: ``python -m tests.bench.decide``.

Aim: at most 2 microseconds at 10,000 rules. The requests are half such as no rule knows, half taken at random from the
networks that the rules are about; users and ports vary. Times are per decision, over whole passes of all requests, so
that reading the clock does not count.
"""

from __future__ import annotations

import random
import statistics
import time
from ipaddress import IPv4Address

from console.model.words import ExitPoint
from console.policy.compiler import compile_policy
from console.policy.document import parse
from console.policy.request import MAPPED, Request
from tests.bench.policies import policy_document

_SIZES = (10, 1_000, 10_000)
_REQUESTS = 5_000
_PASSES = 40
_AIM_US = 2.0


def _requests() -> list[Request]:
    chance = random.Random(3179)
    loopback = int(IPv4Address("127.0.0.1"))
    made = []
    for number in range(_REQUESTS):
        within = int(IPv4Address("10.0.0.0")) + chance.randrange(1 << 24)
        remote = loopback + chance.randrange(1 << 16) if number % 2 else within
        user = f"USER{chance.randrange(50)}"
        port = chance.randrange(1, 65536)
        made.append(Request(ExitPoint.CONNECT, user, frozenset(), "", 0, 0, MAPPED + remote, port))
    return made


def main() -> None:
    requests = _requests()
    print(f"{'rules':>7} {'compile':>10} {'best pass':>10} {'median':>10} {'rejected':>9}")
    for size in _SIZES:
        policy = parse(policy_document(size))
        before = time.perf_counter()
        compiled = compile_policy(policy)
        compile_s = time.perf_counter() - before
        decide = compiled.decide
        passes = []
        for _ in range(_PASSES):
            started = time.perf_counter_ns()
            for request in requests:
                decide(request)
            passes.append((time.perf_counter_ns() - started) / len(requests) / 1000)
        rejected = sum(decide(request).errno != 0 for request in requests)
        median = statistics.median(passes)
        print(f"{size:>7,} {compile_s:>8.3f} s {min(passes):>7.2f} us {median:>7.2f} us {rejected:>9,}")
    print(f"aim: median at most {_AIM_US} us at {_SIZES[-1]:,} rules: {'met' if median <= _AIM_US else 'NOT met'}")


if __name__ == "__main__":
    main()
