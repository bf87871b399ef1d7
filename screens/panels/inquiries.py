"""What may be asked back when a command is refused, and what the answer adds to the command: a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CANCEL = "C"
"""The reply to every inquiry that leaves things as they are; the default one."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question instead of a refusal."""

    message_id: str
    """Of the question; its blanks are those of the refusal."""
    reply: str
    """The letter that has the command run all the same."""
    values: Mapping[str, str]
    """What it is then run with besides, by keyword."""


INQUIRIES: Mapping[str, Inquiry] = MappingProxyType(
    {
        "GWL0487": Inquiry("GWL0773", "G", {"FORCE": "*YES"}),
        "GWL0616": Inquiry("GWL0772", "I", {"DLTOPT": "*IGNINQMSG"}),
    }
)
"""Id of the refusal -> what the console asks instead. In the shell, where nobody can reply, the refusal stands."""
