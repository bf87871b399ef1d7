"""Puts a policy in force in the kernel: compiled for the moment, with the users that the system knows.

Takes as long as compiling 10,000 rules does; nothing here may run in an event loop.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.engine import KernelEngine
from console.enforcement.kernel.relay_house import RelayHouse
from console.errors import KernelError
from console.model.words import Mode
from console.policy.compiler import compile_policy
from console.policy.decide import CompiledPolicy
from console.policy.image import PAGE, Account, Settings, check_image, image, settings, who_is_named
from console.policy.rule import Policy

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

    def is_still(self, wanted: Wanted) -> bool:
        """Say whether that is what is to be in force: the same policy, at the same time of the day, for the same users.

        Blocks now and then: a directory service may take its time.
        """
        if wanted != self.wanted or self.compiled.at(time.time_ns()) is not self.compiled:
            return False
        if time.monotonic() < self.accounts_until:
            return True
        self.accounts_until = time.monotonic() + _ACCOUNTS_S
        return known_accounts(*self.named) == self.accounts


def load(engine: KernelEngine, relay: RelayHouse, wanted: Wanted) -> Loaded:
    """Put a policy in force, whole.

    Raises:
        PolicyError: The kernel cannot hold it; what was in force before still is.
        KernelError: The kernel has no memory for it, or there is no relay.
    """
    policy = wanted.policy
    if not wanted.is_enforced:
        watched = {point: Mode.MONITOR if mode is Mode.ENFORCE else mode for point, mode in policy.modes.items()}
        policy = replace(policy, modes=watched)
    compiled = compile_policy(policy, wanted.revision)
    check_image(compiled)
    compiled = compiled.at(time.time_ns())
    named = who_is_named(compiled)
    accounts = known_accounts(*named)
    relay.tell(wanted.revision, policy.socks)  # first: who is led there by these entries is known there
    put_in_force(engine, compiled, accounts)
    return Loaded(wanted, compiled, named, accounts, time.monotonic() + _ACCOUNTS_S)


def put_in_force(engine: KernelEngine, compiled: CompiledPolicy, accounts: Mapping[int, Account]) -> None:
    """Give the kernel a policy, with the programs that it needs.

    Raises:
        KernelError: The kernel has no memory for it, or refuses a program.
    """
    pages = image(compiled, accounts)
    has_datagrams = Settings.DECIDE_DATAGRAMS in settings(compiled)
    try:
        if has_datagrams:
            engine.decide_echoes(wanted=True)
        engine.activate(pages)
        if not has_datagrams:
            engine.decide_echoes(wanted=False)
    except OSError as error:
        raise KernelError("GWL0476", pages=len(pages) // PAGE, reason=error.strerror or error) from error
