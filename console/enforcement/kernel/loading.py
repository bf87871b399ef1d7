"""Puts a policy in force in the kernel: compiled for the moment, with the users that the system knows.

Takes as long as compiling 10,000 rules does; nothing here may run in an event loop.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.attachment import CLOSES, DATAGRAMS, PEER_NAMES
from console.enforcement.kernel.engine import KernelEngine
from console.enforcement.kernel.relay_house import RelayHouse
from console.errors import KernelError
from console.model.words import Mode
from console.policy.compiler import compile_policy
from console.policy.decide import CompiledPolicy
from console.policy.image import PAGE, Account, Settings, check_image, image, settings, who_is_named
from console.policy.periods import Part, periods_ahead
from console.policy.rule import Policy

_CLOCK_WAS_SET_NS = 200_000_000
"""More than a clock is disciplined from one look to the next (adjtimex(2))."""
_ACCOUNTS_S = 30.0
"""How long names and groups of users are believed, as in a guard."""


class Wanted(NamedTuple):
    """What is to be in force."""

    revision: int
    policy: Policy
    is_enforced: bool
    """Whether the rules hold; else every *ENFORCE is taken for *MONITOR."""


@dataclass(slots=True)
class Loaded:
    """What is in force."""

    wanted: Wanted
    compiled: CompiledPolicy
    """For the moment at which it was put in force."""
    named: tuple[frozenset[str], frozenset[str]]
    accounts: Mapping[int, Account]
    """Everybody, as the kernel knows them."""
    accounts_until: float
    """Until when they are believed; monotonic."""
    offset_ns: int = 0
    """What the clock of the wall showed more than the one that the kernel goes by, which nobody sets."""

    def is_still(self, wanted: Wanted) -> bool:
        """Say whether that is what is to be in force: the same policy, at the same time of the day, for the same users.

        Blocks now and then: a directory service may take its time.
        """
        if wanted != self.wanted or self.compiled.at(time.time_ns()) is not self.compiled:
            return False
        if self.compiled.is_timed and abs(time.time_ns() - _boot_ns() - self.offset_ns) > _CLOCK_WAS_SET_NS:
            return False
        if time.monotonic() < self.accounts_until:
            return True
        if known_accounts(*self.named) != self.accounts:
            return False
        self.accounts_until = time.monotonic() + _ACCOUNTS_S
        return True


def load(engine: KernelEngine, relay: RelayHouse, wanted: Wanted) -> Loaded:
    """Put a policy in force, whole.

    Raises:
        PolicyError: The kernel cannot hold it; what was in force before still is.
        KernelError: The kernel has no memory for it, or there is no relay.
    """
    policy = wanted.policy
    wall_ns, boot_ns = time.time_ns(), _boot_ns()
    if not wanted.is_enforced:
        watched = {point: Mode.MONITOR if mode is Mode.ENFORCE else mode for point, mode in policy.modes.items()}
        policy = replace(policy, modes=watched)
    compiled = compile_policy(policy, wanted.revision)
    check_image(compiled)
    parts = periods_ahead(compiled, wall_ns, boot_ns)
    compiled = compiled.at(wall_ns)
    named = who_is_named(compiled)
    accounts = known_accounts(*named)
    relay.tell(wanted.revision, policy.socks)  # first: who is led there by these entries is known there
    put_in_force(engine, compiled, accounts, parts)
    return Loaded(wanted, compiled, named, accounts, time.monotonic() + _ACCOUNTS_S, wall_ns - boot_ns)


def put_in_force(
    engine: KernelEngine, compiled: CompiledPolicy, accounts: Mapping[int, Account], parts: Sequence[Part] = ()
) -> None:
    """Give the kernel a policy, with the programs that it needs.

    Args:
        engine: The kernel's.
        compiled: The policy.
        accounts: Everybody, by number.
        parts: What it says now and later (`periods_ahead`); for none it is taken as it is, at all times.

    Raises:
        KernelError: The kernel has no memory for it, or refuses a program.
    """
    now, *later = parts or (Part(0, compiled),)
    pages = image(now.compiled, accounts, ends_ns=now.ends_ns, later=later)
    found = settings(compiled)
    leads, decides_datagrams = Settings.HAS_ROUTES in found, Settings.DECIDE_DATAGRAMS in found
    names = dict.fromkeys(PEER_NAMES, leads)  # not let go of: connections outlive a policy
    needs = {CLOSES: leads or decides_datagrams, DATAGRAMS: decides_datagrams}
    try:
        for name in (name for name, is_needed in {**needs, **names}.items() if is_needed):
            engine.attachment.need(name, wanted=True)
        engine.activate(pages)
        for name in (name for name, is_needed in needs.items() if not is_needed):
            engine.attachment.need(name, wanted=False)
    except OSError as error:
        raise KernelError("GWL0476", pages=len(pages) // PAGE, reason=error.strerror or error) from error


def _boot_ns() -> int:
    """Return the time since the system was started, also of sleep: bpf_ktime_get_boot_ns."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
