"""The index of a block as Greenwall wrote it up to schema 0017: 64 ports share a set that does not tell them apart."""

from __future__ import annotations

from collections import defaultdict

from console.store.journal_index import stored_postings
from console.store.journal_keys import IndexField
from console.store.picked_ports import is_picked, ports_in
from console.store.postings import offsets_in, pack, unpack
from console.store.session import transaction

_FIELDS = (IndexField.LOCAL_PORT, IndexField.REMOTE_PORT)
_KEY = 4


def in_older_form(store, block):
    """Put the index of a block that is not in a group into the older form."""
    with transaction(store) as session:
        sets = defaultdict(int)
        for field, key, entries in list(stored_postings(session, block)):
            if field in _FIELDS and is_picked(entries):
                for each in ports_in(entries).values():
                    sets[field, key] |= unpack(each)
            else:
                sets[field, key[:_KEY] if field in _FIELDS else key] |= unpack(entries)
        driver = session.connection()
        driver.exec_driver_sql("DELETE FROM journal_index WHERE block = ?", (block,))
        rows = [
            (block, field, key, pack(list(offsets_in(bits, descending=False)))) for (field, key), bits in sets.items()
        ]
        driver.exec_driver_sql("INSERT INTO journal_index (block, field, key, entries) VALUES (?, ?, ?, ?)", rows)
        driver.exec_driver_sql("UPDATE journal_block SET form = 0 WHERE block = ?", (block,))
