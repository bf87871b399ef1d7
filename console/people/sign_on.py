"""Signing on: a person proves to be a user profile, and gets what that profile may do.

Three ways lead in: a password (the sign-on panel, SSH), a public key (SSH, which has checked the signature), and the
operating system's word for who started us (the console and the verbs of the shell). Knows no panel and no protocol.

What a person has who signed on is settled then: a profile that is changed while it is signed on keeps what it had until
it signs on again, as on IBM i.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.clock import Clock
from console.errors import SignOnError
from console.store.engine import Store

__all__ = ["SignOnError", "SignedOn", "key_is_of", "profile_of_host_user", "sign_on", "sign_on_by_key"]


@dataclass(frozen=True, slots=True)
class SignedOn:
    """Who has signed on, and what that person has until signing off; holds no secret."""

    name: str
    """User profile, upper case."""
    authorities: frozenset[str] = frozenset()
    """Special authorities, those of the group profiles among them: ``*SECADM``."""
    limited: bool = True
    """LMTCPB(*YES): a command line runs only commands that are `Command.for_limited`."""
    initial_menu: str = "MAIN"
    """Name of the menu to begin with, as GO takes it; ``*SIGNOFF`` is not used."""
    theme: str = ""
    """Colours, a word of the console's; empty for its default."""
    keymap: str = ""
    """Key map, likewise."""
    password_expired: bool = False
    """Nothing but a new password may come first (never after a sign-on by key or by the host)."""


def sign_on(store: Store, name: str, password: str, *, code: str = "", place: str, clock: Clock) -> SignedOn:
    """Sign on with a password, and with a one-time code if the profile has one set up.

    An unknown profile takes as long as a known one and gets the same answer, as do a wrong password and a wrong code.
    A failure is counted and journalled (PW); at QMAXSIGN of them in a row QMAXSGNACN disables the profile. A success is
    journalled too (JS), and sets the count back to none.

    Args:
        store: The store.
        name: User profile, in any case.
        password: As typed.
        code: One-time code, or nothing; a profile without one ignores it.
        place: Where from, for the journal: ``pts/3``, or an address ``192.0.2.7:51234``.
        clock: What time it is.

    Raises:
        SignOnError: Refused.
        StoreError: The store cannot be read or written.
    """
    raise NotImplementedError


def sign_on_by_key(store: Store, name: str, openssh_key: str, *, code: str = "", place: str, clock: Clock) -> SignedOn:
    """Sign on with a public key whose possession the caller has made sure of.

    Args:
        store: The store.
        name: User profile, in any case.
        openssh_key: The key as OpenSSH writes it, ``ssh-ed25519 AAAA...``; a comment behind it does not matter.
        code: One-time code, needed from a profile that has one set up.
        place: Where from, for the journal.
        clock: What time it is.

    Raises:
        SignOnError: Refused.
        StoreError: The store cannot be read or written.
    """
    raise NotImplementedError


def key_is_of(store: Store, name: str, openssh_key: str) -> bool:
    """Say whether a public key is one of an enabled profile's; counts and journals nothing, as SSH clients offer many.

    Raises:
        StoreError: The store cannot be read.
    """
    raise NotImplementedError


def needs_code(store: Store, name: str) -> bool:
    """Say whether a one-time code is to be asked for; of an unknown profile it says no.

    Raises:
        StoreError: The store cannot be read.
    """
    raise NotImplementedError


def profile_of_host_user(store: Store, name: str, clock: Clock) -> SignedOn:
    """Return what the profile of the user of the operating system may do who started us.

    A store without any profile gets this one as its security officer, with every special authority (CP entry).

    Args:
        store: The store.
        name: The user of the operating system, upper case.
        clock: What time it is.

    Raises:
        SignOnError: There is no such profile, or it is disabled.
        StoreError: The store cannot be read or written.
    """
    raise NotImplementedError
