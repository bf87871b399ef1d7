"""All tables together: importing this file makes `METADATA` complete."""

from sqlmodel import SQLModel

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
from console.model.user_profiles import UserKey, UserProfile

METADATA = SQLModel.metadata
"""What the migrations lead to; a test holds the two together."""

TABLES: tuple[type[SQLModel], ...] = (
    PendingRule,
    PendingExitPoint,
    PendingExitProgram,
    PendingSocksEntry,
    PendingAddressGroup,
    PendingTimeGroup,
    PendingSettings,
    Revision,
    ActiveRevision,
    PolicyConfirmation,
    JournalEntry,
    JournalBlock,
    JournalIndex,
    JournalGroup,
    Receiver,
    Checkpoint,
    JournalAttributes,
    Guard,
    Worker,
    KernelRing,
    KernelCgroup,
    AuditOutbox,
    QueueMessage,
    MessageReader,
    Alert,
    AlertDestination,
    AlertPosition,
    AlertState,
    AlertDelivery,
    SystemValue,
    UserAudit,
    UserProfile,
    UserKey,
    SshSession,
    ForwardTarget,
    ImportedJournal,
    ImportedEntry,
)
"""Every table, each after those it points to."""
