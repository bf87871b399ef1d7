"""Which audit entries are written: what the auditing system values and the audit levels of users say.

Pure. The values are those of IBM i's QAUDCTL, QAUDLVL and QAUDLVL2. What is Greenwall's own: that ``*CMD`` may stand in
QAUDLVL too, for all users; that rejected calls are none of a level's business (the AUD value of their rule decides);
and that changes of these values are always written, so that nobody can switch auditing off unseen.

The system values are looked at where an entry is made, and at no later time: a guard and the commands ask here before
they write, and whatever they have written gets into the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NONE = "*NONE"
AUDLVL = "*AUDLVL"
AUDLVL2 = "*AUDLVL2"
OBJAUD = "*OBJAUD"
NOQTEMP = "*NOQTEMP"
SYS = "*SYS"
NOTIFY = "*NOTIFY"
REFUSE = "*REFUSE"
NETCMN, NETFAIL, NETSCK, NETSECURE = "*NETCMN", "*NETFAIL", "*NETSCK", "*NETSECURE"
NETTELSVR, NETUDP = "*NETTELSVR", "*NETUDP"
CMD = "*CMD"

MOST_LEVELS = 16
"""Values that QAUDLVL holds; the rest go into QAUDLVL2."""
MOST_FORCED = 100
"""Highest value of QAUDFRCLVL."""
TELNET_PORT = 23
"""Where accepts are the business of *NETTELSVR (IANA, telnet)."""

NOT_OF_USERS = frozenset({NETTELSVR, AUDLVL2, "*ATNEVT"})
"""Levels that are never one user's: which user makes a Telnet server accept, or attacks, is not known."""

LEVELS: Mapping[str, str] = MappingProxyType(
    {
        "*ATNEVT": "Scans (IM)",
        "*AUTFAIL": "Refusals, sign-ons (AF, PW)",
        "*CMD": "Commands that change (CD)",
        "*CREATE": "Object creations: nothing here",
        "*DELETE": "Object deletions: nothing here",
        "*JOBBAS": "Job starts and ends (JS)",
        "*JOBCHGUSR": "User changes: nothing here",
        "*JOBDTA": "*JOBBAS and *JOBCHGUSR",
        "*NETBAS": "Network base: nothing here",
        "*NETCLU": "Clusters: nothing here",
        "*NETCMN": "*NETBAS, *NETCLU, *NETFAIL",
        "*NETFAIL": "Ports not to be had (SK P)",
        "*NETSCK": "Sockets tasks (SK A, C, L)",
        "*NETSECURE": "SSH connections (SK S, X)",
        "*NETTELSVR": "With *NETSCK: port 23 too",
        "*NETUDP": "First datagrams (SK I, O)",
        "*OBJMGT": "Object moves: nothing here",
        "*OFCSRV": "Office services: nothing here",
        "*OPTICAL": "Optical volumes: nothing here",
        "*PGMADP": "Adoption: nothing here",
        "*PGMFAIL": "Program failures: nothing here",
        "*PRTDTA": "Printing: nothing here",
        "*PTFOBJ": "PTF objects: nothing here",
        "*PTFOPR": "PTF operations: nothing here",
        "*SAVRST": "Save and restore: nothing here",
        "*SECCFG": "Rules and settings (GR)",
        "*SECDIRSRV": "Directories: nothing here",
        "*SECIPC": "Process messages: nothing here",
        "*SECNAS": "Kerberos: nothing here",
        "*SECRUN": "Run-time rights: nothing here",
        "*SECSCKD": "Handed sockets: nothing here",
        "*SECURITY": "All that begin with *SEC",
        "*SECVFY": "Verifications: nothing here",
        "*SECVLDL": "Validation: nothing here",
        "*SERVICE": "Service tools: nothing here",
        "*SPLFDTA": "Spooled files: nothing here",
        "*SYSMGT": "As *SECCFG (GR)",
    }
)
"""Level -> what it writes, for lists. Source: reference of QAUDLVL and QAUDLVL2; *CMD is of user levels there."""

CONTAINS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "*JOBDTA": frozenset({"*JOBBAS", "*JOBCHGUSR"}),
        "*NETCMN": frozenset({"*NETBAS", "*NETCLU", "*NETFAIL"}),
        "*SECURITY": frozenset(
            {
                "*SECCFG", "*SECDIRSRV", "*SECIPC", "*SECNAS", "*SECRUN", "*SECSCKD", "*SECVFY", "*SECVLDL",
            }
        ),
    }
)  # fmt: skip
"""Level -> the levels that it stands for. That *NETCMN has no *NETSCK is the meaning since 7.3; what it has kept of it,
mail and DHCP, is not ours."""

NEEDED: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("SK", "A"): frozenset({NETSCK}),
        ("SK", "C"): frozenset({NETSCK}),
        ("SK", "L"): frozenset({NETSCK}),
        ("SK", "P"): frozenset({NETFAIL}),
        ("SK", "S"): frozenset({NETSECURE}),
        ("SK", "X"): frozenset({NETSECURE}),
        ("SK", "I"): frozenset({NETUDP}),
        ("SK", "O"): frozenset({NETUDP}),
        ("JS", ""): frozenset({"*JOBBAS"}),
        ("AF", ""): frozenset({"*AUTFAIL"}),
        ("PW", ""): frozenset({"*AUTFAIL"}),
        ("IM", ""): frozenset({"*ATNEVT"}),
        ("CP", ""): frozenset({"*SECCFG"}),
        ("GR", ""): frozenset({"*SECCFG", "*SYSMGT"}),
        ("CD", ""): frozenset({CMD}),
    }
)
"""Entry type and SK type -> the levels of which one makes it be written. An entry that is not here always is: SV among
them, because all our system values are those of auditing."""

DEFAULT_LEVELS = (
    "*ATNEVT", "*AUTFAIL", CMD, "*JOBDTA", NETFAIL, NETSCK, NETSECURE, NETTELSVR, "*SECURITY", "*SYSMGT",
)  # fmt: skip
"""What a fresh store begins with."""
DEFAULT_SET = ("*AUTFAIL", "*CREATE", "*DELETE", "*SECURITY", "*SAVRST")
"""What *DFTSET of CHGSECAUD stands for."""
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Auditing:
    """The auditing system values and the audit levels of users, as they are set."""

    control: tuple[str, ...] = (AUDLVL,)
    """QAUDCTL."""
    levels: tuple[str, ...] = DEFAULT_LEVELS
    """QAUDLVL."""
    more_levels: tuple[str, ...] = (NONE,)
    """QAUDLVL2."""
    end_action: str = REFUSE
    """QAUDENDACN."""
    force_level: int = 0
    """QAUDFRCLVL: how many entries may be in memory; 0 for *SYS."""
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """User profile, upper case -> the levels that hold for it besides."""


class Levels:
    """What is to be written, made of the values once and asked often.

    Threads: Any.
    """

    def __init__(self, auditing: Auditing) -> None:
        """Work out what the values come to."""
        is_on = AUDLVL in auditing.control
        written = set(auditing.levels)
        if AUDLVL2 in written:
            written |= set(auditing.more_levels)
        self._system = expanded(written) if is_on else _NOTHING
        self._users = {user: expanded(levels) for user, levels in auditing.users.items()} if is_on else {}

    def of(self, user: str) -> frozenset[str]:
        """Return the levels that hold for a user, those of the system among them."""
        own = self._users.get(user) if self._users else None
        return self._system if own is None else self._system | own

    def are_anywhere(self, level: str) -> bool:
        """Say whether a level holds for anybody."""
        return level in self._system or any(level in own for own in self._users.values())

    def wants(self, entry_type: str, sk_type: str = "", *, user: str = "", local_port: int = 0) -> bool:
        """Say whether an entry is to be written.

        Args:
            entry_type: ``SK``, ``JS``, ...
            sk_type: Of an SK entry.
            user: Whose doing it is, upper case.
            local_port: Of an SK entry.
        """
        needed = NEEDED.get((entry_type, sk_type))
        if needed is None:
            return True
        if sk_type == "A" and local_port == TELNET_PORT and NETTELSVR not in self._system:
            return False
        return not needed.isdisjoint(self.of(user))


def expanded(levels: Iterable[str]) -> frozenset[str]:
    """Return levels, and with each one those that it stands for."""
    found = set(levels) - {NONE, AUDLVL2}
    for level in tuple(found):
        found |= CONTAINS.get(level, _NOTHING)
    return frozenset(found)


def contradictions(auditing: Auditing) -> list[tuple[str, dict[str, str]]]:
    """Return what values say that they cannot all mean, or that does not mean what it did: message ids and blanks."""
    levels, more = set(auditing.levels) - {NONE}, set(auditing.more_levels) - {NONE}
    both = levels | (more if AUDLVL2 in levels else set())
    found: list[tuple[str, dict[str, str]]] = []
    if AUDLVL not in auditing.control and (levels or any(auditing.users.values())):
        found.append(("GWL0682", {"control": " ".join(auditing.control)}))
    if more and AUDLVL2 not in levels:
        found.append(("GWL0683", {"levels": " ".join(auditing.more_levels)}))
    if AUDLVL2 in levels and not more:
        found.append(("GWL0684", {}))
    if NETTELSVR in both and NETSCK not in both:
        found.append(("GWL0685", {}))
    if NETCMN in both:
        found.append(("GWL0686", {}) if NETSCK in both else ("GWL0687", {}))
    doubled = {level for whole in both for level in CONTAINS.get(whole, _NOTHING) if level in both}
    if doubled:
        found.append(("GWL0688", {"levels": " ".join(sorted(doubled))}))
    return found
