"""Records with names that stay: jobs, sockets with what they stand under, SOCKS entries."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.coverage import CoveredSocket
from console.commands.jobs import job_status
from console.model.running import Guard
from console.model.words import JobStatus
from console.policy.rule import SocksEntry
from console.policy.socks_entries import socks_fields

_STATUSES: Mapping[JobStatus, str] = {
    JobStatus.ACTIVE: "active",
    JobStatus.ENDING: "active",
    JobStatus.ENDED: "ended",
    JobStatus.LOST: "ended",
}
"""A job is active or ended; that it is to end, or that its guard is lost, other fields say."""


def job_record(job: Guard) -> dict[str, object]:
    """Return a job by the names of its fields."""
    return {
        "qualified_job_name": job.qualified_job_name,
        "status": _STATUSES[job_status(job)],
        "user_name": job.user,
        "pid": job.pid,
        "revision": job.revision,
        "started": job.started,
        "ended": job.ended,
        "exit_status": job.exit_status,
        "command": job.command,
        "decided": job.decided,
        "refused": job.refused,
        "decision_us": job.decision_us,
        "end_requested": job.end_requested,
    }


def socks_record(entry: SocksEntry) -> dict[str, object]:
    """Return a SOCKS entry with the names of the policy document; of its password only whether there is one."""
    said = socks_fields(entry)
    servers = [str(server) for server in entry.servers]
    return {**said, "sequence": entry.sequence, "servers": servers, "time_limit_ms": entry.time_limit_ms}


def socket_record(each: CoveredSocket) -> dict[str, object]:
    """Return a socket, what it stands under, and its processes."""
    return {
        "protocol": each.socket.protocol,
        "state": each.socket.state,
        "type": each.kind,
        "local_address": each.socket.local_address,
        "local_port": each.socket.local_port,
        "remote_address": each.socket.remote_address,
        "remote_port": each.socket.remote_port,
        "user_name": each.user,
        "engine": each.engine,
        "qualified_job_name": each.job,
        "reason": each.reason,
        "processes": [
            {
                "pid": holder.process.pid,
                "name": holder.process.name,
                "program": holder.process.program,
                "qualified_job_name": holder.job,
            }
            for holder in each.holders
        ],
    }
