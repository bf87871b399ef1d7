"""Values of a call that is only asked about: one user, one address, one port, each perhaps absent."""

from __future__ import annotations

from collections.abc import Callable

from console.commands.host import service_port
from console.errors import CommandError
from console.policy.fields import check_address, check_port, check_program, check_user, is_service
from console.policy.rule import ALL, ANY

NONE = "*NONE"
"""Special value: the call has no such thing."""
CURRENT = "*CURRENT"
"""Special value of a user: who runs the command."""


def _one(
    keyword: str, check: Callable[..., str], special: str, is_many: Callable[[str], bool], what: str
) -> Callable[[str], str]:
    """Return a check that takes what a rule takes, but only where it stands for one thing."""

    def checked(value: str) -> str:
        if value.upper() == special:
            return special
        canonical = check(value, keyword=keyword)
        if is_many(canonical):
            raise CommandError("GWL0113", keyword=keyword, value=value, allowed=f"{what}, {special}")
        return canonical

    return checked


def one_address(keyword: str) -> Callable[[str], str]:
    """Return the check of one address."""
    return _one(keyword, check_address, NONE, lambda value: value == ANY or "/" in value or "-" in value, "one address")


def one_port(keyword: str) -> Callable[[str], str]:
    """Return the check of one port or service name."""
    return _one(
        keyword,
        check_port,
        NONE,
        lambda value: value == ANY or ("-" in value and not is_service(value)),
        "one port or service name",
    )


def one_user(keyword: str) -> Callable[[str], str]:
    """Return the check of one user."""
    return _one(
        keyword,
        check_user,
        CURRENT,
        lambda value: value == ALL or value.startswith("%") or value.endswith("*"),
        "the name of one user",
    )


def one_program(keyword: str) -> Callable[[str], str]:
    """Return the check of one program's path."""
    return _one(keyword, check_program, NONE, lambda value: value.endswith("*"), "the path of one program")


def port_number(keyword: str, value: str) -> int:
    """Return the number of a checked port; 0 for none.

    Raises:
        CommandError: This system does not know the service.
    """
    if value == NONE:
        return 0
    if not is_service(value):
        return int(value)
    port = service_port(value)
    if port is None:
        raise CommandError("GWL0124", keyword=keyword, service=value)
    return port
