"""The commands on user profiles. What is changed counts from the next sign-on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.keywords import as_it_is
from console.commands.listing import Column, labelled, table
from console.commands.user_profile_keywords import (
    INITIAL_MENU,
    LOOKS,
    NEW_USER,
    OWN_OR_OTHER,
    PASSWORD,
    PROFILE_VALUES,
    TO_USER,
    USER,
    administrator_of,
    authority_over,
    fields_of,
    looks_of,
    named,
    password_given,
    profiles,
    values_of_profile,
)
from console.errors import AuthorityError
from console.messages import message
from console.model.user_profiles import Limited, Status, UserKey, UserProfile
from console.model.words import SECADM
from console.people.administration import change, change_own, create, delete, get_profile
from console.people.profile import authorities, by_name, check_name
from console.people.records import LIMITED
from console.store import user_profiles as kept
from console.store.system_values import PASSWORD_DAYS, get_user_levels, get_values

ALL = "*ALL"
_NONE = "*NONE"
_COLUMNS = (
    Column("User profile"),
    Column("Status"),
    Column("Class"),
    Column("Password"),
    Column("Group"),
    Column("Special authorities"),
    Column("Text"),
)


def matching(found: Iterable[UserProfile], pattern: str) -> list[UserProfile]:
    """Return the profiles that a name, a generic name or *ALL stands for."""
    if pattern == ALL:
        return list(found)
    if pattern.endswith("*"):
        return [each for each in found if each.name.startswith(pattern[:-1])]
    return [each for each in found if each.name == pattern]


def _check_pattern(value: str) -> str:
    upper = value.upper()
    if upper != ALL:
        check_name(upper.removesuffix("*") or "*")
    return upper


def _new(context: Context, name: str, values: Mapping[str, str]) -> UserProfile:
    """Return a profile that is made now, of a command's values."""
    now = context.clock()
    made = {"created_at": now, "created_by": context.user, "changed_at": now}
    return UserProfile.model_validate({"name": name, **fields_of(values), **made})


def _forget_history(context: Context, name: str) -> None:
    """Remove the commands that a profile has run: they are nobody's who gets its name. A file nobody has made is none.

    Before the transaction ends: a command that is undone has lost somebody's F9, and one that is done leaves nothing.
    """
    with suppress(OSError):
        context.store.location.history(name).unlink()


def _copied(profile: UserProfile, **fields: object) -> UserProfile:
    return UserProfile.model_validate({**profile.model_dump(), **fields})


class WorkWithUserProfiles(Command):
    """Shows the user profiles."""

    name = "WRKUSRPRF"
    text = "Work with User Profiles"
    authority = (SECADM,)
    parameters = (
        Parameter(
            "USRPRF",
            "User profile",
            _check_pattern,
            length=33,
            default=ALL,
            special=(ALL,),
            choices="Name, generic*, *ALL",
            list_values=lambda context: [Choice(ALL, "All of them"), *profiles(context)],
        ),
    )

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            found = kept.list_profiles(session)
        every = by_name(found)
        rows = [list_row(each, every) for each in matching(found, values["USRPRF"])]
        lines = table(_COLUMNS, rows, "(No user profiles)")
        return Result(lines=lines, panel="WorkWithUserProfiles", arguments=dict(values))


def list_row(profile: UserProfile, every: Mapping[str, UserProfile]) -> tuple[str, ...]:
    """Return what a list shows of a profile: its authorities are those of its groups, too."""
    return (
        profile.name,
        profile.status.value,
        profile.user_class.value,
        "*SET" if profile.password_hash else _NONE,
        profile.group or _NONE,
        " ".join(sorted(authorities(profile, every))) or _NONE,
        profile.text,
    )


class CreateUserProfile(Command):
    """Makes a user profile."""

    name = "CRTUSRPRF"
    text = "Create User Profile"
    authority = (SECADM,)
    parameters = (NEW_USER, *PROFILE_VALUES)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Make it."""
        profile = _new(context, values["USRPRF"], values)
        with context.opened() as session:
            create(session, administrator_of(context), profile, password_given(values["PASSWORD"]) or "")
        _forget_history(context, profile.name)
        return Result(messages=(message("GWL1036", name=profile.name),))


class ChangeUserProfile(Command):
    """Changes a user profile."""

    name = "CHGUSRPRF"
    text = "Change User Profile"
    authority = (SECADM,)
    parameters = (USER, *as_it_is(PROFILE_VALUES))
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the profile as it is; its password stays ``*SAME``."""
        with context.opened() as session:
            return values_of_profile(get_profile(session, values["USRPRF"]))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it; who enables it lets it begin to count failures anew."""
        name = values["USRPRF"]
        with context.opened() as session:
            kept.lock_profiles(session)
            profile = get_profile(session, name)
            after = _copied(profile, **fields_of(values))
            if after.status is Status.ENABLED and profile.status is not Status.ENABLED:
                after.failures = 0
            password = password_given(values["PASSWORD"])
            changed = change(session, administrator_of(context), profile, after, password=password)
        return Result(messages=(message("GWL1037" if changed else "GWL1039", name=name),), changed=changed)


class CopyUserProfile(Command):
    """Makes a user profile like another one."""

    name = "CPYUSRPRF"
    text = "Copy User Profile"
    authority = (SECADM,)
    parameters = (USER, TO_USER, PASSWORD)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Make it: with what the other one may do and how it looks; without its keys and its one-time codes."""
        name = values["TOUSRPRF"]
        with context.opened() as session:
            kept.lock_profiles(session)
            given = values_of_profile(get_profile(session, values["USRPRF"]))
            given |= {"STATUS": Status.ENABLED.value, "PWDEXP": "*NO"}
            profile = _new(context, name, given)
            create(session, administrator_of(context), profile, password_given(values["PASSWORD"]) or "")
        _forget_history(context, profile.name)
        return Result(messages=(message("GWL1036", name=name),))


class DeleteUserProfile(Command):
    """Deletes a user profile."""

    name = "DLTUSRPRF"
    text = "Delete User Profile"
    authority = (SECADM,)
    parameters = (USER,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Delete it, with its keys and the commands that F9 finds."""
        with context.opened() as session:
            delete(session, administrator_of(context), values["USRPRF"])
        _forget_history(context, values["USRPRF"])
        return Result(messages=(message("GWL1038", name=values["USRPRF"]),))


class DisplayUserProfile(Command):
    """Shows a user profile: one's own, or with *SECADM any."""

    name = "DSPUSRPRF"
    text = "Display User Profile"
    authority = ()
    parameters = (OWN_OR_OTHER,)

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what another's profile needs."""
        return authority_over(context, values["USRPRF"])

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        name = named(context, values["USRPRF"])
        lines = tuple(line for part in described(context, name) for line in (*labelled(part), ""))
        return Result(lines=lines[:-1], panel="DisplayUserProfile", arguments={"USRPRF": name})


def described(context: Context, name: str) -> tuple[Sequence[tuple[str, str]], ...]:
    """Return what a profile is, label by label, in groups: never a password, a hash or the key of its codes.

    Raises:
        CommandError: There is no such profile.
    """
    with context.opened() as session:
        profile = get_profile(session, name)
        every = by_name(kept.list_profiles(session))
        keys = kept.list_keys(session, name)
        levels = get_user_levels(session).get(name, ())
        days = get_values(session)[PASSWORD_DAYS]
    members = [each.name for each in every.values() if name in (each.group, *each.supplementary_groups.split())]
    values = values_of_profile(profile)
    may = (
        ("User profile", name),
        ("Text", profile.text),
        ("Status", values["STATUS"]),
        ("User class", values["USRCLS"]),
        ("Special authority", values["SPCAUT"]),
        ("  with those of its groups", " ".join(sorted(authorities(profile, every))) or _NONE),
        ("Limit capabilities", values["LMTCPB"]),
        ("Group profile", values["GRPPRF"]),
        ("Supplementary groups", values["SUPGRPPRF"]),
        ("Members", " ".join(members) or _NONE),
    )
    signs_on = (
        ("Previous sign-on", _moment(profile, "previous_sign_on")),
        ("Sign-on attempts not valid", str(profile.failures)),
        ("Password", "*SET" if profile.password_hash else _NONE),
        ("Password changed", _moment(profile, "password_changed_at")),
        ("Password expires", _expiry(profile, days)),
        ("One-time code", "*SET" if profile.sealed_code_key else _NONE),
        ("Public keys", _keys(keys)),
    )
    looks = (
        ("Initial menu", values["INLMNU"]),
        ("Colours", values["THEME"]),
        ("Key map", values["KEYMAP"]),
        ("Auditing of the user", " ".join(levels) or _NONE),
        ("Created", f"{_moment(profile, 'created_at')} by {profile.created_by}"),
        ("Changed", _moment(profile, "changed_at")),
    )
    return may, signs_on, looks


def _moment(profile: UserProfile, field: str) -> str:
    at = getattr(profile, field)
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at is not None else _NONE


def _expiry(profile: UserProfile, days: str) -> str:
    if profile.password_expired:
        return "*YES"
    if not days.isdigit() or profile.password_changed_at is None:
        return "*NO"
    return f"{(profile.password_changed_at + timedelta(days=int(days))).astimezone():%Y-%m-%d}"


def _keys(keys: Sequence[UserKey]) -> str:
    return f"{len(keys)}, F10 shows them" if keys else _NONE


class ChangeProfile(Command):
    """Changes what everybody may of their own profile."""

    name = "CHGPRF"
    text = "Change Profile"
    authority = ()
    parameters = as_it_is((INITIAL_MENU, *LOOKS))
    positional = 0
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return one's own profile as it is."""
        with context.opened() as session:
            shown = values_of_profile(get_profile(session, context.user))
        return {parameter.keyword: shown[parameter.keyword] for parameter in cls.parameters}

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        with context.opened() as session:
            kept.lock_profiles(session)
            profile = get_profile(session, context.user)
            if values["INLMNU"] != profile.initial_menu and profile.limited is not Limited.NO:
                raise AuthorityError(
                    "GWL1009", kind=LIMITED, what="CHGPRF", missing="LMTCPB(*NO)", menu=values["INLMNU"]
                )
            after = _copied(profile, initial_menu=values["INLMNU"], **looks_of(values))
            changed = change_own(session, administrator_of(context).doer, profile, after)
        return Result(messages=(message("GWL1037" if changed else "GWL1039", name=context.user),), changed=changed)


class DisplayAuthorizedUsers(Command):
    """Shows who may do what."""

    name = "DSPAUTUSR"
    text = "Display Authorized Users"
    authority = (SECADM,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show each group with its members, then those who are in none."""
        with context.opened() as session:
            every = by_name(kept.list_profiles(session))
        columns = (Column("Group"), Column("User"), Column("Status"), Column("Special authorities"), Column("Text"))
        rows = []
        for group, each in _by_group(every):
            may = " ".join(sorted(authorities(each, every))) or _NONE
            rows.append((group, each.name, each.status.value, may, each.text))
        return Result(lines=table(columns, rows))


def _by_group(every: Mapping[str, UserProfile]) -> list[tuple[str, UserProfile]]:
    found = [
        (group, each) for each in every.values() for group in (each.group, *each.supplementary_groups.split()) if group
    ]
    alone = [("", each) for each in every.values() if not each.group]
    return sorted(found, key=lambda pair: (pair[0], pair[1].name)) + alone


COMMANDS: tuple[type[Command], ...] = (
    WorkWithUserProfiles,
    CreateUserProfile,
    ChangeUserProfile,
    CopyUserProfile,
    DeleteUserProfile,
    DisplayUserProfile,
    ChangeProfile,
    DisplayAuthorizedUsers,
)
