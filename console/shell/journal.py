"""The verb ``journal verify``."""

from __future__ import annotations

from console.errors import JournalError
from console.journal.verify import WHOLE, verify
from console.messages import message
from console.shell.output import print_message
from console.store.engine import Store
from console.store.session import reading


def verify_journal(store: Store) -> None:
    """Walk the chain of the journal and say what was found.

    Raises:
        JournalError: The journal is not what was written.
        StoreError: The store cannot be read.
    """
    with reading(store) as session:
        verdict = verify(session)
    if verdict.message_id != WHOLE:
        raise JournalError(verdict.message_id, **verdict.values())
    print_message(message(verdict.message_id, **verdict.values()))
