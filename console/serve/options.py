"""The options of ``greenwall ssh`` as a shell gives them, checked."""

from __future__ import annotations

from dataclasses import dataclass

from console.errors import UsageError
from console.serve.limits import DEFAULT_LISTEN, Endpoint, Limits, parse_endpoint

_DEFAULTS = Limits()
_MOST = 1000
_LONGEST_SIGN_ON_S = 600
_LONGEST_IDLE_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where to listen, and what is borne."""

    listen: Endpoint
    limits: Limits


def checked(
    *,
    listen: str = DEFAULT_LISTEN,
    sessions: int = _DEFAULTS.sessions,
    sessions_per_profile: int = _DEFAULTS.sessions_per_profile,
    connections: int = _DEFAULTS.connections,
    attempts: int = 0,
    sign_on_time: int = int(_DEFAULTS.sign_on_s),
    idle: int | None = None,
) -> ServeOptions:
    """Return options of the shell as the server takes them.

    Args:
        listen: Address and port.
        sessions: Sessions in all.
        sessions_per_profile: Sessions of one user profile.
        connections: Connections in which nobody has signed on.
        attempts: Passwords and codes a connection; 0: as QMAXSIGN says.
        sign_on_time: Seconds for a sign-on.
        idle: Minutes without a key, 0 for no limit; None: as QINACTITV says.

    Raises:
        UsageError: One of them makes no sense.
    """
    endpoint = parse_endpoint(listen)
    _check("--sessions", sessions, 1, _MOST)
    _check("--sessions-per-profile", sessions_per_profile, 1, _MOST)
    _check("--connections", connections, 1, _MOST)
    _check("--attempts", attempts, 0, 25)
    _check("--sign-on-time", sign_on_time, 5, _LONGEST_SIGN_ON_S)
    if idle is not None:
        _check("--idle", idle, 0, _LONGEST_IDLE_MINUTES)
    limits = Limits(
        sessions=sessions,
        sessions_per_profile=sessions_per_profile,
        connections=connections,
        attempts=attempts or None,
        sign_on_s=sign_on_time,
        idle_s=None if idle is None else idle * 60.0,
    )
    return ServeOptions(endpoint, limits)


def _check(option: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise UsageError("GWL1051", option=option, value=value, lowest=lowest, highest=highest)
