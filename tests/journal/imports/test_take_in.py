"""Files of a real IBM i, whole: both forms, hostile ones too."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from console.errors import CommandError, JournalError
from console.journal.export import entries
from console.journal.formats.audit_journal import header, line
from console.journal.imports.records import read_records
from console.journal.imports.take_in import Import, remove, take_in
from console.journal.writer import append
from console.model.forwarding import ImportedEntry
from console.store.imported import ImportedValues, add_imported_entries, list_imported
from console.store.journal import JournalFilter, last_number, page_after, page_before
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import entry
from tests.journal.formats.entries import HERE

NAMES = (
    "ENTRY_TIMESTAMP", "SEQUENCE_NUMBER", "USER_NAME", "QUALIFIED_JOB_NAME", "PROGRAM_LIBRARY", "PROGRAM_NAME",
    "RECEIVER_NAME", "ENTRY_TYPE", "ADDRESS_FAMILY", "LOCAL_IP_ADDRESS", "LOCAL_PORT", "REMOTE_IP_ADDRESS",
    "REMOTE_PORT", "SECURE_VERSION",
)  # fmt: skip
ACCEPT = (
    "2025-03-01-12.00.00.123456", "   12345", "ALICE     ", "123456/QUSER/QZDASOINIT", "QSYS", "QZDASOINIT",
    "AUDRCV0007", "A", "*IPV4", "10.1.2.3", "8471", "192.168.7.9", "50123", "TLSV1.2",
)  # fmt: skip


def heading(**fields):
    """Return the heading fields of QASYSKJ5."""
    cells = [""] * 41
    cells[:10] = ["01780", "00000000000000000042", "T", "SK", "2025-03-01-12.00.00.123456", "QZDASOINIT", "QUSER     ",
                  "123456", "QZDASOINIT", "QSYS      "]  # fmt: skip
    cells[18], cells[19], cells[28], cells[29] = "ALICE     ", "S1234567", "AUDRCV0007", "QGPL      "
    for place, value in fields.items():
        cells[int(place[1:])] = value
    return cells


def own(sk_type="A", *, with_length=True, family="*IPV4     "):
    """Return the fields of the entry itself."""
    filters = ["          ", *(["00000"] if with_length else []), " "]
    start = [sk_type, "010.001.002.003", "08471", "192.168.007.009", "50123", "0000000007", *filters, family]
    return [*start, "10.1.2.3", "192.168.7.9", " ", "pc.example", "TLSV1.2   ", "AES", " "]


def text_of(*rows):
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "sk.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return written


def wanted(path, name="OLDSYS"):
    return Import(name, path, UTC, "", "OPER", NOW)


def shown(store, **fields):
    with reading(store) as session:
        return page_after(session, 0, limit=99, only=JournalFilter(journal="OLDSYS", **fields))


def test_result_of_audit_journal_sk(store, write):
    taken = take_in(store, wanted(write(text_of(NAMES, ACCEPT))))
    assert (taken.form, taken.entries, taken.left_out) == ("AUDIT_JOURNAL_SK", 1, 0)
    (found,) = shown(store)
    assert found.entry_timestamp == datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert (found.sk_type, found.exit_point, found.outcome) == ("A", "*ACCEPT", "*ALLOWED")
    assert (found.user_name, found.qualified_job_name) == ("ALICE", "123456/QUSER/QZDASOINIT")
    assert (found.local_address, found.local_port) == ("10.1.2.3", 8471)
    assert (found.remote_address, found.remote_port) == ("192.168.7.9", 50123)
    assert (found.program, found.receiver_name, found.text) == ("QSYS/QZDASOINIT", "AUDRCV0007", "TLSV1.2")
    assert json.loads(found.detail)["SEQUENCE_NUMBER"] == "12345"


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("with_names", [True, False])
def test_file_of_cpyaudjrne(store, write, with_length, with_names):
    record = heading() + own(with_length=with_length)
    names = [[f"SKFLD{place:02}" for place in range(len(record))]] if with_names else []
    other = heading(_3="AF", _2="T") + own("X", with_length=with_length)
    taken = take_in(store, wanted(write(text_of(*names, record, other))))
    assert (taken.form, taken.entries, taken.left_out) == ("QASYSKJ5", 1, 1)
    (found,) = shown(store)
    assert (found.sk_type, found.user_name, found.receiver_name) == ("A", "ALICE", "AUDRCV0007")
    assert (found.qualified_job_name, found.program) == ("123456/QUSER/QZDASOINIT", "QSYS/QZDASOINIT")
    assert (found.local_address, found.local_port) == ("10.1.2.3", 8471)
    assert (found.remote_address, found.remote_port, found.text) == ("192.168.7.9", 50123, "TLSV1.2")


def test_layout_is_found_in_a_later_record_when_the_first_has_no_address(store, write):
    dhcp = heading() + own("D", family="")
    assert take_in(store, wanted(write(text_of(dhcp, heading() + own("C"))))).entries == 2
    assert [each.sk_type for each in shown(store)] == ["D", "C"]


def test_our_own_csv_comes_back(store, write):
    with transaction(store) as session:
        append(session, [entry(), entry(entry_type="GR", sk_type=""), entry(sk_type="L", outcome="*REJECTED")])
    exported = "\n".join([header(HERE), *(line(each, HERE) for each in entries(store))])
    taken = take_in(store, wanted(write(exported)))
    assert (taken.entries, taken.left_out) == (2, 1)
    first, second = shown(store)
    assert (first.user_name, first.program, first.remote_port) == ("ALICE", "/usr/bin/curl", 443)
    assert (second.outcome, second.exit_point) == ("*REJECTED", "*LISTEN")


def test_imported_entries_are_filtered_and_paged_as_others_are(store, write):
    rows = [[*ACCEPT[:2], f"USER{each % 3}", *ACCEPT[3:9], f"10.1.{each}.3", *ACCEPT[10:]] for each in range(20)]
    take_in(store, wanted(write(text_of(NAMES, *rows))))
    assert len(shown(store, user="USER1")) == 7
    assert [each.sequence_number for each in shown(store, local_address="10.1.4.0/22")] == [5, 6, 7, 8]
    assert len(shown(store, job="QUSER", port=8471, from_number=3, to_number=5)) == 3
    with reading(store) as session:
        only = JournalFilter(journal="OLDSYS")
        assert [each.sequence_number for each in page_before(session, None, limit=2, only=only)] == [19, 20]
        assert [each.sequence_number for each in page_before(session, 4, limit=2, only=only)] == [2, 3]


def test_imported_entries_are_never_in_qaudjrn(store, write):
    take_in(store, wanted(write(text_of(NAMES, ACCEPT))))
    with reading(store) as session:
        assert last_number(session) == 0
        assert page_after(session, 0, limit=9) == []
        assert page_after(session, 0, limit=9, only=JournalFilter(journal="OTHER")) == []


def test_journal_can_be_removed_and_imported_anew(store, write):
    path = write(text_of(NAMES, *[ACCEPT] * 12_000))
    assert take_in(store, wanted(path)).entries == 12_000
    with pytest.raises(CommandError) as caught:
        take_in(store, wanted(path))
    assert caught.value.message_id == "GWL0676"
    remove(store, "OLDSYS")
    assert shown(store) == []
    take_in(store, wanted(path))
    with reading(store) as session:
        assert [(each.name, each.entries) for each in list_imported(session)] == [("OLDSYS", 12_000)]


@pytest.mark.parametrize(
    ("content", "message_id", "values"),
    [
        ("", "GWL0672", {}),
        ("hello\n", "GWL0672", {}),
        ("A,B\n1,2\n", "GWL0672", {}),
        (text_of(NAMES, ACCEPT, ACCEPT[:5]), "GWL0673", {"line": 3, "found": 5, "expected": 14}),
        (text_of(NAMES, ("when", *ACCEPT[1:])), "GWL0674", {"line": 2, "column": "1 (ENTRY_TIMESTAMP)"}),
        (text_of(NAMES, ACCEPT, (*ACCEPT[:10], "x", *ACCEPT[11:])), "GWL0674",
         {"line": 3, "column": "11 (LOCAL_PORT)"}),
        (text_of(NAMES, (*ACCEPT[:7], "Z", *ACCEPT[8:])), "GWL0674", {"value": "Z"}),
        (text_of(NAMES, (*ACCEPT[:2], "x" * 65, *ACCEPT[3:])), "GWL0674", {"value": "x" * 40}),
        (text_of(NAMES, ACCEPT) + '"open', "GWL0671", {"line": 3}),
        (text_of(NAMES, ACCEPT) + '"a"b,c\n', "GWL0671", {"line": 3}),
        (text_of(NAMES, ("x" * 200_000, *ACCEPT[1:])), "GWL0671", {"line": 2}),
        (text_of(heading(_4="x") + own()), "GWL0674", {"line": 1, "column": "5"}),
        (b"\xff\xfe", "GWL0670", {}),
        (text_of(NAMES, ACCEPT).encode() + b"\xe4", "GWL0670", {}),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_nothing_is_kept(store, write, content, message_id, values):
    with pytest.raises(JournalError) as caught:
        take_in(store, wanted(write(content)))
    assert caught.value.message_id == message_id
    assert {name: caught.value.values[name] for name in values} == values
    with reading(store) as session:
        assert list_imported(session) == []
        assert session.exec(select(ImportedEntry)).all() == []


def test_line_without_end_is_refused_before_it_is_read(store, tmp_path):
    with open(tmp_path / "long", "wb") as file:
        file.truncate(2**40)  # a hole: NUL octets without end
    with pytest.raises(JournalError) as caught:
        take_in(store, wanted(f"{tmp_path}/long"))
    assert caught.value.message_id == "GWL0671"


def test_file_that_is_not_there_is_named(store, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (f"{tmp_path}/none", str(tmp_path), "a\0b", f"{tmp_path}/pipe", "/dev/zero"):
        with pytest.raises(JournalError) as caught:
            take_in(store, wanted(path))
        assert caught.value.message_id == "GWL0670"


def test_what_a_killed_import_left_does_not_count(store, write):
    path = write(text_of(NAMES, *[ACCEPT] * 3))
    with transaction(store) as session:  # it committed its pieces, and was killed before the last
        add_imported_entries(session, "OLDSYS", 1, [ImportedValues(NOW, "A")] * 3)
    assert len(shown(store)) == 3
    assert take_in(store, wanted(path)).entries == 3
    assert len(shown(store)) == 3


_cells = st.sampled_from([*ACCEPT, *NAMES, "SK", "T", "*IPV6", "", "\x00", '"', "=1", "24.00.00"]) | st.text(max_size=9)


@settings(deadline=None)
@given(st.lists(st.lists(_cells, min_size=1, max_size=60), max_size=6) | st.text(max_size=300))
def test_any_file_is_read_or_refused_with_a_message(rows):
    content = rows if isinstance(rows, str) else text_of(*rows)
    with contextlib.suppress(JournalError):
        for found in read_records(io.StringIO(content, newline=""), path="x", zone=UTC).entries:
            assert found is None or found.sk_type
