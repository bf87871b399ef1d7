"""Who has signed on: what a person has from then until signing off; holds no secret."""

from __future__ import annotations

from dataclasses import dataclass, replace

from console.model.user_profiles import Limited, UserProfile


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
    may_choose_menu: bool = False
    """Whether another menu may be named when signing on; not with LMTCPB(*PARTIAL) or LMTCPB(*YES)."""
    password_expired: bool = False
    """Nothing but a new password may come first (never after a sign-on by key or by the host)."""

    def with_menu(self, menu: str) -> SignedOn:
        """Return the same, beginning with another menu."""
        return replace(self, initial_menu=menu)


def signed_on(profile: UserProfile, held: frozenset[str], *, password_expired: bool) -> SignedOn:
    """Return somebody as whom their profile has them.

    Args:
        profile: The profile.
        held: Its special authorities, with those of its groups.
        password_expired: Whether a new password must come first.
    """
    return SignedOn(
        profile.name,
        held,
        limited=profile.limited is Limited.YES,
        initial_menu=profile.initial_menu,
        theme=profile.theme.lower(),
        keymap=profile.keymap.lower(),
        may_choose_menu=profile.limited is Limited.NO,
        password_expired=password_expired,
    )
