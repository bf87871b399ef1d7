"""The commands on public keys of user profiles, on their one-time codes, and on one's own password."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from sqlmodel import Session

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.keywords import BLANK, text_check
from console.commands.listing import Column, labelled, table
from console.commands.user_profile_keywords import OWN_OR_OTHER, USER, administrator_of, authority_over, named
from console.errors import CommandError
from console.messages import message
from console.model.user_profiles import UserKey, UserProfile
from console.model.words import SECADM
from console.people import codes
from console.people.administration import get_profile, may_manage, remove_key
from console.people.public_keys import PublicKey, read_key
from console.people.records import record_profile
from console.policy.secret import Secret
from console.printable import printable
from console.store import user_profiles as kept
from console.store.secrets import seal

_LONGEST_KEY = 800
"""Characters: an RSA key of 4096 bits has 720."""
_LONGEST_COMMENT = 64
_PREFIX = "SHA256:"
_COLUMNS = (Column("Fingerprint"), Column("Type"), Column("Added"), Column("By"), Column("Comment"))


def _key_check(value: str) -> str:
    key = read_key(value)
    return f"{key.key} {key.comment}".strip()


def _fingerprint_check(value: str) -> str:
    return value if value.startswith(_PREFIX) else f"{_PREFIX}{value}"


def _fingerprints(context: Context, user: str = "") -> list[Choice]:
    with context.opened() as session:
        names = [user] if user else [each.name for each in kept.list_profiles(session)]
        found = [key for name in names for key in kept.list_keys(session, name)]
    may_see = SECADM in context.authorities
    return [
        Choice(key.fingerprint, printable(f"{key.user} {key.comment}"))
        for key in found
        if may_see or key.user == context.user
    ]


FINGERPRINT = Parameter(
    "FNGPRT",
    "Fingerprint",
    _fingerprint_check,
    length=64,
    choices="SHA256:..., its beginning; F4",
    monocase=False,
    quoted=True,
    list_values=_fingerprints,
    list_for=("USRPRF", _fingerprints),
)


def key_of(session: Session, user: str, beginning: str) -> UserKey:
    """Return the one key of a profile whose fingerprint begins so.

    Raises:
        CommandError: There is none, or more than one.
    """
    found = [key for key in kept.list_keys(session, user) if key.fingerprint.startswith(beginning)]
    if len(found) != 1:
        raise CommandError("GWL1034" if found else "GWL1033", name=user, fingerprint=beginning)
    return found[0]


class WorkWithUserKeys(Command):
    """Shows the public keys of a profile."""

    name = "WRKUSRKEY"
    text = "Work with User Keys"
    authority = ()
    parameters = (OWN_OR_OTHER,)

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what another's keys need."""
        return authority_over(context, values["USRPRF"])

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        name = named(context, values["USRPRF"])
        with context.opened() as session:
            get_profile(session, name)
            keys = kept.list_keys(session, name)
        rows = [
            (key.fingerprint, key.key.split()[0], f"{key.added_at.astimezone():%Y-%m-%d}", key.added_by, key.comment)
            for key in keys
        ]
        lines = table(_COLUMNS, rows, "(No public keys)")
        return Result(lines=lines, panel="WorkWithUserKeys", arguments={"USRPRF": name})


class AddUserKey(Command):
    """Lets a profile sign on over SSH with a public key."""

    name = "ADDUSRKEY"
    text = "Add User Key"
    authority = (SECADM,)
    parameters = (
        USER,
        Parameter(
            "PUBKEY",
            "Public key",
            _key_check,
            length=_LONGEST_KEY,
            choices="The line of the .pub file",
            monocase=False,
            quoted=True,
        ),
        Parameter(
            "TEXT",
            "Text 'description'",
            text_check(),
            length=50,
            default=BLANK,
            special=(BLANK,),
            choices="*BLANK: the key's comment",
            monocase=False,
            quoted=True,
        ),
    )
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        name, key = values["USRPRF"], read_key(values["PUBKEY"])
        with context.opened() as session:
            profile = _managed(session, context, name)
            if kept.find_key(session, name, key.fingerprint) is not None:
                raise CommandError("GWL1032", name=name, fingerprint=key.fingerprint)
            kept.add_key(session, _row(context, name, key, values["TEXT"]))
            _record(session, context, profile, f"Key {key.fingerprint} added to user profile {name}")
        return Result(messages=(message("GWL103B", name=name, fingerprint=key.fingerprint),))


def _row(context: Context, name: str, key: PublicKey, text: str) -> UserKey:
    return UserKey.model_validate(
        {
            "user": name,
            "key": key.key,
            "fingerprint": key.fingerprint,
            "comment": printable(text or key.comment)[:_LONGEST_COMMENT],
            "added_at": context.clock(),
            "added_by": context.user,
        }
    )


def _managed(session: Session, context: Context, name: str, *, or_own: bool = False) -> UserProfile:
    """Return a profile whose keys or one-time codes are about to change; none changes meanwhile.

    Args:
        session: The transaction.
        context: That of the running command.
        name: The profile.
        or_own: Whether everybody may do it to their own.

    Raises:
        AuthorityError: It may do more than who runs the command.
        CommandError: There is none of this name.
    """
    kept.lock_profiles(session)
    profile = get_profile(session, name)
    if not (or_own and profile.name == context.user):
        may_manage(session, administrator_of(context), profile)
    return profile


def _record(session: Session, context: Context, profile: UserProfile, text: str) -> None:
    record_profile(session, administrator_of(context).doer, "CHG", text, name=profile.name)


class RemoveUserKey(Command):
    """Takes a public key from a profile."""

    name = "RMVUSRKEY"
    text = "Remove User Key"
    authority = (SECADM,)
    parameters = (USER, FINGERPRINT)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it."""
        name = values["USRPRF"]
        with context.opened() as session:
            profile = _managed(session, context, name)
            key = key_of(session, name, values["FNGPRT"])
            remove_key(session, key)
            _record(session, context, profile, f"Key {key.fingerprint} removed from user profile {name}")
        return Result(messages=(message("GWL103C", name=name, fingerprint=key.fingerprint),))


class GenerateUserCode(Command):
    """Sets up one-time codes for a profile; shows their key once."""

    name = "GENUSRCOD"
    text = "Generate One-Time Code Key"
    authority = ()
    parameters = (OWN_OR_OTHER,)
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what another's codes need."""
        return authority_over(context, values["USRPRF"])

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Make the key; one that is there does not count any more."""
        name, key = named(context, values["USRPRF"]), codes.new_key()
        with context.opened() as session:
            profile = _managed(session, context, name, or_own=True)
            sealed = seal(context.store.location, Secret(key)).text
            _set_codes(session, context, profile, sealed, f"One-time codes of user profile {name} set up")
        system = socket.gethostname().split(".")[0]
        shown = (
            ("User profile", name),
            ("Secret", " ".join(key[at : at + 4] for at in range(0, len(key), 4))),
            ("Address for a QR code", codes.key_uri(key, name, system)),
        )
        return Result(messages=(message("GWL103D", name=name),), lines=labelled(shown), is_secret=True)


class RemoveUserCode(Command):
    """Lets a profile sign on without one-time codes again."""

    name = "RMVUSRCOD"
    text = "Remove One-Time Code Key"
    authority = (SECADM,)
    parameters = (USER,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove the key."""
        name = values["USRPRF"]
        with context.opened() as session:
            profile = _managed(session, context, name)
            if not profile.sealed_code_key:
                raise CommandError("GWL103F", name=name)
            _set_codes(session, context, profile, "", f"One-time codes of user profile {name} removed")
        return Result(messages=(message("GWL103E", name=name),))


def _set_codes(session: Session, context: Context, profile: UserProfile, sealed_key: str, text: str) -> None:
    """Give a profile another key of one-time codes, or none; text is for the audit entry."""
    profile.sealed_code_key, profile.last_code = sealed_key, 0
    profile.changed_at = context.clock()
    kept.save_profile(session, profile)
    _record(session, context, profile, text)


class ChangePassword(Command):
    """Shows the panel on which one changes one's own password."""

    name = "CHGPWD"
    text = "Change Password"
    authority = ()
    for_limited = True
    interactive = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        return Result(panel="ChangePassword")


COMMANDS: tuple[type[Command], ...] = (
    WorkWithUserKeys,
    AddUserKey,
    RemoveUserKey,
    GenerateUserCode,
    RemoveUserCode,
    ChangePassword,
)
