"""Decides by reading rules one after the other, from their texts alone: the reference for the compiled form."""

from __future__ import annotations

import errno
import ipaddress
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from console.policy.request import Decision

MAPPED = int(ipaddress.IPv6Address("::ffff:0:0"))
ERRNOS = {"*EPERM": errno.EPERM, "*REFUSED": errno.ECONNREFUSED, "*TIMEOUT": errno.ETIMEDOUT}


def decide(policy, request, at_ns=None):
    mode = policy.modes[request.exit_point]
    if mode == "*OFF":
        return Decision("*ALLOWED", 0, 0, journal=False, alert=False)
    for rule in sorted(policy.rules, key=lambda rule: rule.sequence):
        if rule.exit_point != request.exit_point or rule.active != "*YES" or not holds(rule, policy, at_ns):
            continue
        if matches(rule, request, policy):
            return answer(rule, mode)
    raise LookupError("no default rule")


def answer(rule, mode):
    rejected = "*MONITOR" if mode == "*MONITOR" else "*REJECTED"
    outcome = rejected if rule.action == "*REJECT" else "*ALLOWED"
    journal = {"*DFT": True, "*ALL": True, "*NONE": False, "*REJECT": outcome != "*ALLOWED"}[rule.audit]
    failing = ERRNOS[rule.fail] if outcome == "*REJECTED" else 0
    by_level = rule.audit == "*DFT" and outcome == "*ALLOWED"
    return Decision(outcome, rule.sequence, failing, journal, alert=rule.message == "*YES", by_level=by_level)


def holds(rule, policy, at_ns):
    if rule.time_group == "*ANY":
        return True
    (group,) = (group for group in policy.time_groups if group.name == rule.time_group)
    return at_ns is not None and shows(group, at_ns, policy.time_zone)


def shows(group, at_ns, system_zone):
    """Look at the clock on the wall, day by day on which a time may have begun."""
    zone = ZoneInfo(system_zone if group.time_zone == "*SYSTEM" else group.time_zone)
    wall = datetime.fromtimestamp(at_ns // 1_000_000_000, zone).replace(tzinfo=None)
    times = "00:00-24:00" if group.times == "*ALL" else group.times
    for day in (wall.date(), wall.date() - timedelta(days=1)):
        if group.days != "*ALL" and "*" + day.strftime("%a").upper() not in group.days.split():
            continue
        if group.from_date != "*NONE" and day.isoformat() < group.from_date:
            continue
        if group.to_date != "*NONE" and day.isoformat() > group.to_date:
            continue
        for text in times.split():
            begin, end = (
                datetime.combine(day, time()) + timedelta(hours=int(part[:2]), minutes=int(part[3:]))
                for part in text.split("-")
            )
            if begin <= wall < (end if end > begin else end + timedelta(days=1)):
                return True
    return False


def matches(rule, request, policy):
    services = policy.services
    return (
        user(rule.user, request)
        and said(rule.local_address, request.local_address, policy)
        and said(rule.remote_address, request.remote_address, policy)
        and port(rule.local_port, request.local_port, services)
        and port(rule.remote_port, request.remote_port, services)
        and (rule.program == "*ANY" or name(rule.program, request.program))
    )


def user(value, request):
    if value.startswith("%"):
        return value.removeprefix("%") in request.groups
    return value == "*ALL" or name(value, request.user)


def name(value, given):
    return given.startswith(value[:-1]) if value.endswith("*") else given == value


def said(value, number, policy):
    if not value.startswith("%"):
        return address(value, number)
    (group,) = (group for group in policy.address_groups if group.name == value[1:])
    out = [member[1:] for member in group.members if member.startswith("!")]
    taken = [member for member in group.members if not member.startswith("!")]
    return any(address(each, number) for each in taken) and not any(address(each, number) for each in out)


def address(value, number):
    if value == "*ANY":
        return True
    found = ipaddress.IPv6Address(number)
    found = found.ipv4_mapped or found
    if "-" in value:
        low, high = (ipaddress.ip_address(end) for end in value.split("-"))
        return found.version == low.version and low <= found <= high
    return found in ipaddress.ip_network(value)


def port(value, number, services):
    if value == "*ANY":
        return True
    low, _, high = str(services.get(value, value)).partition("-")
    return int(low) <= number <= int(high or low)


def route(policy, request):
    for entry in sorted(policy.socks, key=lambda entry: entry.sequence):
        if (
            user(entry.user, request)
            and address(entry.remote_address, request.remote_address)
            and port(entry.remote_port, request.remote_port, policy.services)
        ):
            return entry
    return None
