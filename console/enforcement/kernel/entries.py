"""What the journal says of the kernel's decisions: the same fields as of a guard's. Pure."""

from __future__ import annotations

from console.enforcement.intake import GENERIC, moment
from console.enforcement.kernel.events import INERT, KernelEvent
from console.enforcement.layouts import NO_ENDPOINT, Endpoint, address_text, is_mapped
from console.journal.entries import Entry
from console.messages import message
from console.model.words import SK_TYPES, AddressFamily
from console.store.text import storable

_LONGEST_USER, _LONGEST_PROGRAM, _LONGEST_JOB_NAME = 64, 4096, 10
_MOST_NUMBER = 1_000_000


def entry(event: KernelEvent, *, clock_ns: int, user: str, program: str) -> Entry:
    """Return the SK entry of an event.

    Args:
        event: What the kernel has decided.
        clock_ns: What to add to its time to get nanoseconds since 1970.
        user: Its user profile.
        program: Path of its program, or the name of its thread where the program has gone.
    """
    shown = (event.remote if event.remote != NO_ENDPOINT else event.local).address
    return Entry(
        entry_timestamp=moment(event.at_ns + clock_ns),
        entry_type="SK",
        sk_type=SK_TYPES[event.exit_point],
        outcome=event.outcome,
        exit_point=event.exit_point,
        rule_sequence=event.sequence,
        revision=event.revision,
        user_name=storable(user)[:_LONGEST_USER],
        qualified_job_name=job_name(event, user),
        pid=event.pid,
        program=storable(program)[:_LONGEST_PROGRAM],
        address_family=AddressFamily.IPV4 if is_mapped(shown) else AddressFamily.IPV6,
        local_address=_address(event.local) if event.local.port else "",
        local_port=event.local.port,
        remote_address=_address(event.remote),
        remote_port=event.remote.port,
        text=message("GWL0480").text if event.flags & INERT else "",
    )


def job_name(event: KernelEvent, user: str) -> str:
    """Return what stands for the qualified name of a job where there is none: process, user and thread's name."""
    name = storable(event.comm).upper().replace("/", ".")[:_LONGEST_JOB_NAME] or "KERNEL"
    return f"{event.pid % _MOST_NUMBER:06}/{storable(user)[:_LONGEST_USER].replace('/', '.')}/{name}"


def lost(count: int, *, at_ns: int) -> Entry:
    """Return the GR entry that says how many decisions are not in the journal.

    Args:
        count: How many.
        at_ns: When that was noticed; nanoseconds since 1970.
    """
    return Entry(moment(at_ns), GENERIC, text=message("GWL0481", count=count).text)


def _address(endpoint: Endpoint) -> str:
    return address_text(endpoint.address) if endpoint.address or endpoint.port else ""
