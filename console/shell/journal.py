"""The verbs ``journal verify`` and ``journal key``."""

from __future__ import annotations

from pathlib import Path

from console.collector import calm
from console.commands.receivers import check_file, rebuild_index
from console.errors import JournalError
from console.journal.seal import public_text
from console.journal.signer import load_key
from console.journal.verify import WHOLE, verify
from console.messages import message
from console.shell.output import print_lines, print_message
from console.store.engine import Store
from console.store.session import reading


def verify_journal(store: Store, *, rebuild: bool = False) -> None:
    """Walk the chain of the journal and say what was found.

    Args:
        store: Whose journal.
        rebuild: Whether to have the index made again where it hides entries.

    Raises:
        JournalError: The journal is not what was written.
        StoreError: The store cannot be read.
    """
    calm()
    with reading(store) as session:
        verdict = verify(session)
    if verdict.hidden and rebuild:
        rebuild_index(store, verdict)
        print_message(message("GWL0629", count=len(verdict.hidden)))
        return
    if verdict.message_id != WHOLE:
        raise JournalError(verdict.message_id, **verdict.values())
    print_message(message(verdict.message_id, **verdict.values()))


def verify_saved(path: str, key: str) -> None:
    """Check a saved receiver and say what was found.

    Args:
        path: The file.
        key: Public key that it must be signed with; empty for whichever it names.

    Raises:
        JournalError: It is not what was saved.
    """
    print_message(check_file(Path(path), key))


def write_key(store: Store) -> None:
    """Write the public key of the journal.

    Raises:
        StoreError: There is none yet, or it cannot be read.
    """
    print_lines([public_text(load_key(store.location).public_key())])
