"""Signing on over SSH: a key or a password, and a one-time code as a second step from who has one set up.

Which profile may come in and what is counted and journalled is `console.people.sign_on`'s business; this file knows how
SSH asks. A key that a client offers is looked up first without anything being counted, as clients offer all they have;
the sign-on happens when the signature was right.

The code is asked for by keyboard-interactive, after the first step. A password is not judged before the code is there,
so that nobody learns which of the two was wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import asyncssh

from console.clock import Clock
from console.errors import SignOnError, StoreError
from console.messages import describe, message
from console.people.sign_on import SignedOn, key_is_of, most_sign_ons, needs_code, sign_on, sign_on_by_key, spelt
from console.serve.connection import StepsOwner
from console.serve.entries import Peer
from console.serve.gate import Gate
from console.serve.limits import Limits
from console.serve.threads import Threads
from console.store.engine import Store

P = ParamSpec("P")
T = TypeVar("T")

_MOST_ATTEMPTS = 25
"""Also where QMAXSIGN is *NOMAX."""
KEY, PASSWORD, CODE = "public key", "password", "one-time code"
_PROMPT = "One-time code: "


@dataclass(frozen=True, slots=True)
class Doorway:
    """What the sign-ons of one server share."""

    store: Store
    clock: Clock
    limits: Limits
    gate: Gate
    threads: Threads


@dataclass(frozen=True, slots=True)
class _First:
    """A first step, taken or about to be."""

    method: str
    text: str
    """The key, or the password."""


class SignOn(StepsOwner):
    """The sign-on of one connection, for one name at a time."""

    def __init__(self, doorway: Doorway, peer: Peer) -> None:
        self._doorway = doorway
        self._peer = peer
        self._name = ""
        self._offered: _First | None = None
        """What the request at hand brings; of a key it is not known yet that the client has it."""
        self._taken: _First | None = None
        """The first step, when a code must follow."""
        self._attempts = 0
        self._keys = 0
        self._is_at_gate = False
        """Whether a sign-on of this connection was judged, or could not be: nothing is left to count at its end."""
        self.signed_on: SignedOn | None = None
        """Who has signed on."""
        self.method = ""
        """How."""
        self.key = ""
        """The key that it was done with, if it was one."""
        self.has_tried = False
        """Whether anybody wanted to sign on."""

    def begin_auth(self, username: str) -> bool:
        """Begin with a name; another name begins from nothing. Everybody must sign on.

        Raises:
            DisconnectError: The name has failed too often from there.
        """
        self._ask_gate(username)
        self._name = username
        self._offered = self._taken = self.signed_on = None
        self.has_tried = True
        return True

    def public_key_auth_supported(self) -> bool:
        """Say whether a key may come next."""
        return self._taken is None

    def password_auth_supported(self) -> bool:
        """Say whether a password may come next."""
        return self._taken is None

    def kbdint_auth_supported(self) -> bool:
        """Say whether a code must come next."""
        return self._taken is not None

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Say whether a key is one of the profile's; AsyncSSH checks the signature afterwards, if there is one."""
        self._offered = None
        self._keys += 1
        if self._keys > self._doorway.limits.keys:
            raise _too_many()
        text = key.export_public_key().decode("ascii").strip()
        if not await self._ask(key_is_of, self._doorway.store, username, text):
            return False
        self._offered = _First(KEY, text)
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Sign on with a password, or keep it until the code is there."""
        await self._count_attempt()
        self._offered = None
        first = _First(PASSWORD, password)
        if await self._ask(needs_code, self._doorway.store, username):
            self._offered = first
            return True
        return await self._sign_on(first, "")

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        """Ask for the code."""
        del username, lang, submethods
        return "", "", "", [(_PROMPT, False)]

    async def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """Sign on with the first step and the code."""
        del username
        await self._count_attempt()
        first, self._taken = self._taken, None
        if first is None or len(responses) != 1:
            return False
        return await self._sign_on(first, responses[0].strip())

    async def is_complete(self) -> bool | None:
        """Say whether the sign-on is complete, after a step that was right; a key signs on here."""
        offered, self._offered = self._offered, None
        if self.signed_on is not None:
            return True
        if offered is None:
            return False
        if offered.method == PASSWORD or await self._ask(needs_code, self._doorway.store, self._name):
            self._taken = offered
            return None
        return await self._sign_on(offered, "")

    async def _sign_on(self, first: _First, code: str) -> bool:
        """Ask the profiles; a refusal is answered late, later with every one.

        Who hangs up before the answer, or asks for something else meanwhile, has this ended by AsyncSSH, and must not
        get away with another guess: that is a failure, too.
        """
        store, clock, place = self._doorway.store, self._doorway.clock, str(self._peer)
        name, gate, address = self._name, self._doorway.gate, self._peer.address
        self._ask_gate(name)
        self._is_at_gate = True
        gate.began(address, spelt(name))
        delay_s = 0.0
        how = sign_on if first.method == PASSWORD else sign_on_by_key
        try:
            self.signed_on = await self._doorway.threads.run(
                lambda: how(store, name, first.text, code=code, place=place, clock=clock)
            )
        except SignOnError:
            delay_s = self._count_failure(name)
        except asyncio.CancelledError:
            self._count_failure(name)
            raise
        except StoreError as error:
            raise asyncssh.DisconnectError(asyncssh.DISC_BY_APPLICATION, describe(error).text) from error
        finally:
            gate.ended(address, spelt(name))
        if self.signed_on is None:
            await asyncio.sleep(delay_s)
            return False
        self.method = " and ".join(filter(None, (first.method, CODE if code else "")))
        self.key = first.text if first.method == KEY else ""
        gate.succeeded(address, spelt(name))
        return True

    def _ask_gate(self, name: str) -> None:
        now_s = asyncio.get_running_loop().time()
        refusal = self._doorway.gate.name_refusal(self._peer.address, spelt(name), now_s)
        if refusal:
            raise asyncssh.DisconnectError(asyncssh.DISC_BY_APPLICATION, message(refusal).text)

    def _count_failure(self, name: str) -> float:
        now_s = asyncio.get_running_loop().time()
        return self._doorway.gate.failed(self._peer.address, spelt(name), now_s)

    def count_uncounted(self) -> None:
        """Count at the gate, at the end, that somebody wanted to sign on and did not."""
        if self.has_tried and not self._is_at_gate and self.signed_on is None:
            self._count_failure(self._name)

    async def _ask(self, question: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
        try:
            return await self._doorway.threads.run(lambda: question(*arguments, **more))
        except StoreError as error:
            self._is_at_gate = True
            raise asyncssh.DisconnectError(asyncssh.DISC_BY_APPLICATION, describe(error).text) from error

    async def _count_attempt(self) -> None:
        """Count before anything is asked: a client need not wait for an answer before it tries again."""
        self._attempts += 1
        most = self._doorway.limits.attempts or await self._ask(most_sign_ons, self._doorway.store) or _MOST_ATTEMPTS
        if self._attempts > min(most, _MOST_ATTEMPTS):
            raise _too_many()


def _too_many() -> asyncssh.DisconnectError:
    return asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, message("GWL1069").text)
