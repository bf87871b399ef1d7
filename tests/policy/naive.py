"""Decides by reading rules one after the other, from their texts alone: the reference for the compiled form."""

from __future__ import annotations

import errno
import ipaddress

from console.policy.request import Decision

MAPPED = int(ipaddress.IPv6Address("::ffff:0:0"))
ERRNOS = {"*EPERM": errno.EPERM, "*REFUSED": errno.ECONNREFUSED, "*TIMEOUT": errno.ETIMEDOUT}


def decide(policy, request):
    mode = policy.modes[request.exit_point]
    if mode == "*OFF":
        return Decision("*ALLOWED", 0, 0, journal=False, alert=False)
    for rule in sorted(policy.rules, key=lambda rule: rule.sequence):
        if rule.exit_point == request.exit_point and rule.active == "*YES" and matches(rule, request, policy.services):
            return answer(rule, mode)
    raise LookupError("no default rule")


def answer(rule, mode):
    rejected = "*MONITOR" if mode == "*MONITOR" else "*REJECTED"
    outcome = rejected if rule.action == "*REJECT" else "*ALLOWED"
    journal = {"*DFT": True, "*ALL": True, "*NONE": False, "*REJECT": outcome != "*ALLOWED"}[rule.audit]
    failing = ERRNOS[rule.fail] if outcome == "*REJECTED" else 0
    by_level = rule.audit == "*DFT" and outcome == "*ALLOWED"
    return Decision(outcome, rule.sequence, failing, journal, alert=rule.message == "*YES", by_level=by_level)


def matches(rule, request, services):
    return (
        user(rule.user, request)
        and address(rule.local_address, request.local_address)
        and address(rule.remote_address, request.remote_address)
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
