"""What the journal says of the kernel's decisions: the same fields as of a guard's. Pure."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping

from console.enforcement.intake import GENERIC, moment
from console.enforcement.kernel.events import BY_LEVEL, DATAGRAM, INERT, LEFT, NO_RELAY, RAW, KernelEvent
from console.enforcement.layouts import NO_ENDPOINT, Endpoint, address_text, is_mapped
from console.journal.entries import Entry
from console.messages import message
from console.model.words import SK_TYPES, AddressFamily, SkType
from console.policy.audit_levels import Levels
from console.store.text import storable

_LONGEST_USER, _LONGEST_PROGRAM, _LONGEST_JOB_NAME = 64, 4096, 10
_MOST_NUMBER = 1_000_000
_TEXTS = {INERT: "GWL0480", NO_RELAY: "GWL0489", LEFT: "GWL048A"}
"""Flag of an event -> message whose text says it."""
_FAMILIES: Mapping[int, str] = {socket.AF_INET: "AF_INET", socket.AF_INET6: "AF_INET6"}
_KINDS: Mapping[int, str] = {
    socket.SOCK_STREAM: "SOCK_STREAM",
    socket.SOCK_DGRAM: "SOCK_DGRAM",
    socket.SOCK_RAW: "SOCK_RAW",
}


def entry(event: KernelEvent, *, clock_ns: int, user: str, program: str) -> Entry:
    """Return the SK entry of an event.

    Args:
        event: What the kernel has decided.
        clock_ns: What to add to its time to get nanoseconds since 1970.
        user: Its user profile.
        program: What it ran (`console.enforcement.kernel.programs`).
    """
    shown = (event.remote if event.remote != NO_ENDPOINT else event.local).address
    return Entry(
        entry_timestamp=moment(event.at_ns + clock_ns),
        entry_type="SK",
        sk_type=SkType.OUTBOUND if event.flags & DATAGRAM else SK_TYPES[event.exit_point],
        outcome=event.outcome,
        exit_point=event.exit_point,
        rule_sequence=event.sequence,
        revision=event.revision,
        user_name=storable(user)[:_LONGEST_USER],
        qualified_job_name=job_name(event, user),
        pid=event.pid,
        program=storable(program)[:_LONGEST_PROGRAM],
        address_family=_family(event, shown),
        local_address=_address(event.local) if event.local.port else "",
        local_port=event.local.port,
        remote_address=_address(event.remote),
        remote_port=event.remote.port,
        socks_server=storable(event.server),
        text=_text(event),
    )


def is_wanted(event: KernelEvent, levels: Levels, user: str) -> bool:
    """Say whether the journal is to have an event: what was refused, what its rule wants there, or the audit levels.

    What was decided about a datagram is wanted with the connects, and with the datagrams too.
    """
    if event.is_silent or not event.flags & BY_LEVEL:
        return not event.is_silent
    if event.flags & DATAGRAM and levels.wants("SK", SkType.OUTBOUND, user=user):
        return True
    return levels.wants("SK", SK_TYPES[event.exit_point], user=user, local_port=event.local.port)


def _family(event: KernelEvent, shown: int) -> str:
    if event.flags & RAW and not shown:
        return ""
    return AddressFamily.IPV4 if is_mapped(shown) else AddressFamily.IPV6


def _text(event: KernelEvent) -> str:
    if event.flags & RAW and not event.detail:
        return message("GWL049D").text
    if event.flags & LEFT and event.detail:
        return message("GWL049C").text
    if event.flags & RAW:
        family, kind, protocol = event.detail >> 24, event.detail >> 16 & 0xFF, event.detail & 0xFFFF
        return f"raw socket: {_FAMILIES.get(family, family)}, {_KINDS.get(kind, kind)}, protocol {protocol}"
    for flag, message_id in _TEXTS.items():
        if event.flags & flag:
            return message(message_id).text
    return storable(event.text)


def job_name(event: KernelEvent, user: str) -> str:
    """Return what stands for the qualified name of a job where there is none: process, user and thread's name."""
    name = storable(event.program.thread).upper().replace("/", ".")[:_LONGEST_JOB_NAME] or "KERNEL"
    return f"{event.pid % _MOST_NUMBER:06}/{storable(user)[:_LONGEST_USER].replace('/', '.')}/{name}"


def authority_failure(refused: Entry) -> Entry:
    """Return the AF entry that stands beside the entry of a listen that was refused, as a guard's does."""
    user, address, port = refused.user_name, refused.local_address, refused.local_port
    return refused._replace(
        entry_type="AF",
        sk_type="",
        text=message("GWL0692", user=user, address=address, port=port).text,
        detail=json.dumps({"type": "T", "user": user, "address": address, "port": port}),
    )


def lost(count: int, *, at_ns: int) -> Entry:
    """Return the GR entry that says how many decisions are not in the journal.

    Args:
        count: How many.
        at_ns: When that was noticed; nanoseconds since 1970.
    """
    return Entry(moment(at_ns), GENERIC, text=message("GWL0481", count=count).text)


def note(text: str, *, at_ns: int) -> Entry:
    """Return the GR entry of what the relay has to say."""
    return Entry(moment(at_ns), GENERIC, text=storable(text))


def _address(endpoint: Endpoint) -> str:
    return address_text(endpoint.address) if endpoint.address or endpoint.port else ""
