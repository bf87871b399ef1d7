"""Changing one's own password: by who knows the one in use, checked as a sign-on is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.clock import Clock
from console.errors import CommandError, SignOnError
from console.people import passwords
from console.people.administration import least_characters, take_hash
from console.people.records import Doer, record_profile, told
from console.people.sign_on import sign_on_failed
from console.store import user_profiles as kept
from console.store import wakeup
from console.store.session import reading, transaction
from console.store.system_values import PASSWORD_DIFFERENCE, get_values

if TYPE_CHECKING:
    from console.store.engine import Store

_STRICTEST = "1"


def change_own_password(
    store: Store, name: str, current: str, new: str, repeated: str, *, place: str, job: str, clock: Clock
) -> None:
    """Give one's own profile another password.

    A wrong current password counts as a sign-on that failed: who finds a console unattended cannot try for ever. Hashes
    are made outside of the transaction, as that takes long.

    Args:
        store: The store.
        name: One's own profile.
        current: The password in use.
        new: The new one.
        repeated: The new one again.
        place: Where this is, for the journal.
        job: Qualified job name.
        clock: What time it is.

    Raises:
        CommandError: The new password cannot be, or the two are not the same.
        SignOnError: The current one is wrong, or the profile may not sign on any more.
        StoreError: The store cannot be read or written.
    """
    with reading(store) as session:
        values = get_values(session)
        profile = kept.find_profile(session, name)
        in_use, before = (profile.password_hash, profile.old_hashes) if profile is not None else ("", "")
    if not in_use:
        raise CommandError("GWL1027", name=name)
    if not passwords.matches(in_use, current):
        sign_on_failed(store, name, place, clock)
        raise SignOnError("GWL1020")
    if new != repeated:
        raise CommandError("GWL1026")
    passwords.check_password(new, name, least=least_characters(values))
    difference = values[PASSWORD_DIFFERENCE]
    if difference not in passwords.REQUIRED_DIFFERENCE:
        difference = _STRICTEST
    if passwords.was_used(new, [in_use, *before.split()], difference):
        raise CommandError("GWL1025")
    _keep(store, name, in_use, passwords.hashed(new), Doer(clock(), name, job))
    wakeup.notify(store)


def _keep(store: Store, name: str, in_use: str, new_hash: str, doer: Doer) -> None:
    with transaction(store) as session:
        kept.lock_profiles(session)
        profile = kept.find_profile(session, name)
        if profile is None or profile.password_hash != in_use:
            raise SignOnError("GWL1020")
        before = told(profile)
        take_hash(profile, new_hash, doer.at)
        profile.password_expired = False
        profile.changed_at = doer.at
        after = told(profile)
        kept.save_profile(session, profile)
        text = f"User profile {name} has changed its password"
        record_profile(session, doer, "CHG", text, name=name, before=before, after=after, password_changed=True)
