"""SQLModel takes anything when a table class is called; rows are built with model_validate, which must not."""

from __future__ import annotations

from datetime import datetime

import pytest
from pydantic import ValidationError

from console.model.alerts import Alert, AlertDelivery, AlertDestination, AlertPosition, AlertState
from console.model.forwarding import ForwardTarget, ImportedEntry, ImportedJournal
from console.model.journal import (
    Checkpoint,
    JournalAttributes,
    JournalBlock,
    JournalEntry,
    JournalGroup,
    JournalIndex,
    Receiver,
)
from console.model.kernel import KernelCgroup, KernelRing
from console.model.messages import MessageReader, QueueMessage
from console.model.outbox import AuditOutbox
from console.model.pending import (
    PendingAddressGroup,
    PendingExitPoint,
    PendingExitProgram,
    PendingRule,
    PendingSettings,
    PendingSocksEntry,
    PendingTimeGroup,
)
from console.model.revision import ActiveRevision, PolicyConfirmation, Revision
from console.model.running import Guard, Worker
from console.model.ssh_sessions import SshSession
from console.model.system_values import SystemValue, UserAudit
from console.model.tables import METADATA, TABLES
from console.model.user_profiles import UserKey, UserProfile
from tests.conftest import NOW

RULE = {
    "exit_point": "*CONNECT",
    "sequence": 10,
    "user": "*ALL",
    "local_address": "*ANY",
    "local_port": "*ANY",
    "remote_address": "*ANY",
    "remote_port": "*ANY",
    "program": "*ANY",
    "action": "*ALLOW",
    "fail": "*EPERM",
    "audit": "*DFT",
    "message": "*NO",
    "active": "*YES",
    "text": "",
}
ADDRESSES = {"name": "DMZ", "members": "10.0.0.0/8", "text": ""}
TIMES = {"name": "NIGHT", "days": "*ALL", "times": "22:00-06:00", "from_date": "*NONE", "to_date": "*NONE",
         "time_zone": "*SYSTEM", "text": ""}  # fmt: skip
PROGRAM = {"exit_point": "*ACCEPT", "number": 2, "program": "site:ask", "time_limit_ms": 1000, "text": ""}
SOCKS = {
    "sequence": 10,
    "remote_address": "*ANY",
    "remote_port": "*ANY",
    "user": "*ALL",
    "type": "*SOCKS",
    "servers": "proxy.example",
    "version": "5",
    "user_id": "",
    "sealed_password": "",
    "time_limit_ms": 30_000,
    "text": "",
}
SETTINGS = {"id": 1, "udp": "*IGNORE", "raw_sockets": "*REFUSE"}
REVISION = {"number": 1, "made_at": NOW, "made_by": "OPER", "text": "", "document": "{}"}
CONFIRMATION = {"number": 2, "return_to": 1, "until": NOW, "asked_by": "OPER"}
ENTRY = {
    "sequence_number": 1,
    "entry_timestamp": NOW,
    "receiver_name": "AUDRCV0001",
    "journal_code": "T",
    "entry_type": "SK",
    "sk_type": "C",
    "outcome": "*ALLOWED",
    "exit_point": "*CONNECT",
    "rule_sequence": 10,
    "revision": 1,
    "user_name": "ALICE",
    "qualified_job_name": "000001/ALICE/CURL",
    "pid": 1,
    "program": "",
    "address_family": "*IPV4",
    "local_address": "",
    "local_port": 0,
    "remote_address": "",
    "remote_port": 0,
    "socks_server": "",
    "decision_us": 0,
    "text": "",
    "detail": "",
    "guard_id": "",
    "guard_number": 0,
    "chain_hash": "0" * 64,
}
RECEIVER = {"name": "A", "attached_at": NOW, "first_sequence": 1, "last_sequence": 0, "last_hash": "0" * 64}
CHECKPOINT = {"number": 1, "sequence_number": 1, "chain_hash": "0" * 64, "made_at": NOW, "signature": ""}
GUARD = {
    "guard_id": "0" * 32,
    "job_number": 1,
    "user": "A",
    "job_name": "B",
    "command": "",
    "pid": 1,
    "started": NOW,
}
WORKER = {"pid": 1, "host": "h", "started": NOW, "heartbeat": NOW, "revision": 1}
OUTBOX = {
    "entry_timestamp": NOW,
    "entry_type": "CD",
    "user_name": "A",
    "qualified_job_name": "",
    "pid": 1,
    "text": "",
    "detail": "",
}
MESSAGE = {"queue": "QSYSOPR", "severity": 40, "text": "Something", "sent_at": NOW}
ALERT = {"name": "A", "condition": "outcome = *REJECTED"}
DESTINATION = {"name": "HOOK", "channel": "*WEBHOOK", "target": "http://127.0.0.1/"}
ALERT_STATE = {
    "alert": "A",
    "key": "",
    "raised_at": NOW,
    "last_at": NOW,
    "count": 1,
    "told": 1,
    "told_at": NOW,
    "first_number": 1,
    "last_number": 1,
}
DELIVERY = {
    "delivery_id": "1",
    "alert": "A",
    "destination": "HOOK",
    "payload": "{}",
    "created_at": NOW,
    "next_try_at": NOW,
}
TARGET = {
    "name": "SIEM",
    "protocol": "*TLS",
    "host": "log.example",
    "port": 6514,
    "format": "*SYSLOG",
    "position": 0,
    "state_since": NOW,
}
IMPORTED = {"name": "OLDSYS", "imported_at": NOW, "imported_by": "OPER", "source": "x", "form": "CSV", "entries": 1}
FOREIGN = {"journal_name": "OLDSYS", "sequence_number": 1, "entry_timestamp": NOW, "sk_type": "A"}
PROFILE = {"name": "ANNA", "created_at": NOW, "created_by": "OPER", "changed_at": NOW}
USER_KEY = {"user": "ANNA", "key": "ssh-ed25519 AAAA", "fingerprint": "SHA256:x", "added_at": NOW, "added_by": "OPER"}
SSH_SESSION = {"job": "000123/ANNA/SSH", "user": "ANNA", "pid": 123, "remote_address": "192.0.2.7", "remote_port": 1024,
               "method": "public key", "host": "vm", "server_pid": 99, "started": NOW, "last_input": NOW}  # fmt: skip
NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001 - must be refused

CASES = [
    (PendingRule, RULE, {"sequence": 100_000}),
    (PendingRule, RULE, {"action": "*MAYBE"}),
    (PendingRule, RULE, {"text": "x" * 51}),
    (PendingExitPoint, {"exit_point": "*LISTEN", "mode": "*OFF"}, {"mode": "OFF"}),
    (PendingExitProgram, PROGRAM, {"number": 1}),
    (PendingExitProgram, PROGRAM, {"number": 2**31}),
    (PendingExitProgram, PROGRAM, {"time_limit_ms": 0}),
    (PendingExitProgram, PROGRAM, {"program": "x" * 129}),
    (PendingSocksEntry, SOCKS, {"sequence": 99_999}),
    (PendingSocksEntry, SOCKS, {"version": "6"}),
    (PendingSocksEntry, SOCKS, {"type": "SOCKS"}),
    (PendingSocksEntry, SOCKS, {"time_limit_ms": 0}),
    (PendingRule, RULE, {"time_group": "x" * 17}),
    (PendingAddressGroup, ADDRESSES, {"name": "LONGER_THAN"}),
    (PendingAddressGroup, ADDRESSES, {"members": None}),
    (PendingTimeGroup, TIMES, {"times": "x" * 301}),
    (PendingTimeGroup, TIMES, {"name": "LONGER_THAN"}),
    (PendingSettings, SETTINGS, {"udp": "*MAYBE"}),
    (PendingSettings, SETTINGS, {"id": 2}),
    (Revision, REVISION, {"made_at": NAIVE}),
    (PolicyConfirmation, CONFIRMATION, {"until": NAIVE}),
    (KernelRing, {"ring": "ring-1", "position": 0}, {"position": -1}),
    (KernelCgroup, {"cgroup": "/sys/fs/cgroup/jobs"}, {"cgroup": "x" * 4097}),
    (Revision, REVISION, {"number": 0}),
    (ActiveRevision, {"id": 1, "number": 1}, {"id": 2}),
    (JournalEntry, ENTRY, {"remote_port": 65536}),
    (JournalEntry, ENTRY, {"entry_timestamp": NAIVE}),
    (Receiver, RECEIVER, {"last_hash": ""}),
    (JournalBlock, {"block": 0, "first_time": NOW}, {"first_time": NAIVE}),
    (JournalIndex, {"block": 0, "field": 1, "key": b"x", "entries": b""}, {"field": -1}),
    (JournalGroup, {"number": 0, "field": 1, "key": b"x", "entries": b""}, {"number": -1}),
    (Checkpoint, CHECKPOINT, {"number": 0}),
    (Checkpoint, CHECKPOINT, {"chain_hash": "0"}),
    (JournalAttributes, {"name": "QAUDJRN"}, {"threshold_kb": 1_000_000_001}),
    (Guard, GUARD, {"job_number": 1_000_000}),
    (Guard, GUARD, {"guard_id": "../../etc/passwd".ljust(32, "x")}),
    (Worker, WORKER, {"pid": 0}),
    (SystemValue, {"name": "QAUDLVL", "value": "*NONE"}, {"name": "QAUDLVL2222"}),
    (UserAudit, {"user": "ALICE", "levels": "*NETSCK"}, {"user": "A" * 65}),
    (UserProfile, PROFILE, {"name": ""}),
    (UserProfile, PROFILE, {"status": "ENABLED"}),
    (UserProfile, PROFILE, {"limited": "*MAYBE"}),
    (UserProfile, PROFILE, {"failures": -1}),
    (UserKey, USER_KEY, {"fingerprint": ""}),
    (UserKey, USER_KEY, {"added_at": NAIVE}),
    (SshSession, SSH_SESSION, {"remote_port": 65536}),
    (SshSession, SSH_SESSION, {"job": ""}),
    (SshSession, SSH_SESSION, {"last_input": NAIVE}),
    (AuditOutbox, OUTBOX, {"entry_type": "CDX"}),
    (ForwardTarget, TARGET, {"port": 0}),
    (ForwardTarget, TARGET, {"protocol": "*SMTP"}),
    (ForwardTarget, TARGET, {"format": "*CSV"}),
    (ForwardTarget, TARGET, {"name": ""}),
    (ForwardTarget, TARGET, {"position": -1}),
    (ImportedJournal, IMPORTED, {"name": "LONGER_THAN"}),
    (ImportedJournal, IMPORTED, {"entries": -1}),
    (ImportedEntry, FOREIGN, {"remote_port": 65536}),
    (ImportedEntry, FOREIGN, {"entry_timestamp": NAIVE}),
    (ImportedEntry, FOREIGN, {"rule_sequence": 1}),
    (AuditOutbox, OUTBOX, {"local_port": -1}),
    (QueueMessage, MESSAGE, {"severity": 100}),
    (MessageReader, {"queue": "QSYSOPR", "reader": "ALICE", "read_id": 1}, {"reader": ""}),
    (Alert, ALERT, {"threshold": 0}),
    (Alert, ALERT, {"telling": "*ALL"}),
    (Alert, ALERT, {"probe": "SCAN"}),
    (AlertDestination, DESTINATION, {"channel": "*FAX"}),
    (AlertDestination, DESTINATION, {"security": "*SSL"}),
    (AlertPosition, {"id": 1, "number": 0}, {"id": 2}),
    (AlertState, ALERT_STATE, {"key": "x" * 201}),
    (AlertDelivery, DELIVERY, {"state": "*GONE"}),
]


@pytest.mark.parametrize(("table", "good", "bad"), CASES)
def test_row_with_a_bad_value_is_refused(table, good, bad):
    table.model_validate(good)
    with pytest.raises(ValidationError):
        table.model_validate({**good, **bad})


def test_every_table_has_a_case_and_is_listed():
    assert {table for table, _, _ in CASES} == set(TABLES)
    assert {table.__tablename__ for table in TABLES} == set(METADATA.tables)


def test_job_name_is_qualified_as_on_ibm_i():
    assert Guard.model_validate({**GUARD, "job_number": 42}).qualified_job_name == "000042/A/B"
