"""The compiled loops of the journal give what the loops in Python give, to the bit, whatever they are given."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, create_engine
from sqlalchemy.exc import SQLAlchemyError

from console import compiled
from console.enforcement.intake import take
from console.enforcement.layouts import Endpoint
from console.enforcement.records import EXIT_POINT_CODES, Who, pack, pack_notice, sealed
from console.errors import WorkerError
from console.journal.chain import FIELDS
from console.journal.writer import _ALIKE, _COLUMNS, _chain
from console.model.journal import Receiver
from console.model.words import Outcome
from console.policy.request import MAPPED, Decision
from console.store.bulk import _GROUP, insert_rows
from tests.factories import AT_NS, GUARD_ID, decided, record

pytestmark = pytest.mark.skipif(compiled.journalling is None, reason="there was no compiler")


@contextmanager
def in_python():
    module, compiled.journalling = compiled.journalling, None
    try:
        yield
    finally:
        compiled.journalling = module


def outcome(work, *args, **named):
    """Return what some work gives, or how it fails."""
    try:
        return work(*args, **named)
    except Exception as error:  # noqa: BLE001 -- whichever it is must be that of Python, too
        return type(error), str(error)


def both(work, *args, **named):
    with in_python():
        reference = outcome(work, *args, **named)
    return outcome(work, *args, **named), reference


class Text(str):
    """A text of another type."""


class Number(int):
    """A number of another type."""


any_text = st.text(st.characters()) | st.text(st.sampled_from('a"\\\n\0\x7f\x1fé\u2028\U0001f600\ud800\udfff'))
any_number = (
    st.integers()
    | st.integers(-(2**63) - 2, -(2**63) + 2)
    | st.integers(2**63 - 2, 2**63 + 2)
    | st.integers(2**64 - 2, 2**64 + 2)
    | st.integers(0, 70000)
)


class Nothing:
    """What nothing can be made of."""

    def __repr__(self):
        return "nothing"


UNUSUAL = [
    None, True, False, 1.5, float("nan"), b"octets", Text("text"), Number(7), Outcome.ALLOWED, [1, "two"], Nothing(),
    datetime(2026, 1, 1, tzinfo=UTC),
]  # fmt: skip
any_value = any_text | any_number | st.sampled_from(UNUSUAL)
usual = st.sampled_from(["", "SK", "*ALLOWED", "127.0.0.1", "/usr/bin/ä", 0, 443, 99999])
moments = st.integers(0, 2**52) | any_value | st.integers(-(2**40), 2**40)


@st.composite
def many_drafts(draw):
    """Make drafts that have much in common, as those of a job have, and something unusual now and then."""
    common = draw(st.lists(usual | any_value, min_size=len(FIELDS), max_size=len(FIELDS)))
    found = []
    for _ in range(draw(st.integers(1, 6))):
        row = list(common)
        row[1] = draw(moments)
        for place in draw(st.lists(st.integers(3, len(FIELDS) - 1), max_size=4)):
            row[place] = draw(usual | any_value)
        found.append(row)
    return found


def chained(drafts, name, last, digest):
    rows = [row[:] for row in drafts]
    receiver = Receiver(name=name, last_sequence=last, last_hash=digest, size_bytes=5, first_sequence=1)
    _chain(receiver, rows, None)
    return repr(rows), receiver.last_sequence, receiver.last_hash, receiver.size_bytes


@given(many_drafts(), any_text, st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
@example([[0, 0, "", *[value] * 22] for value in ("a", "a", '"', "a", "\ud800")], "AUDRCV0001", 0, bytes(32))
@example([[0, 0, "", *[value] * 22] for value in ("a", '"', "a", -(2**63), 2**63 - 1)], "AUDRCV0001", 7, bytes(32))
def test_chained_drafts_are_those_of_python(drafts, name, last, digest):
    made, reference = both(chained, drafts, name, last, digest.hex())
    assert made == reference


@given(st.lists(st.lists(usual | any_value, min_size=3, max_size=60), min_size=1, max_size=4))
def test_rows_of_any_length_are_chained_as_in_python(drafts):
    made, reference = both(chained, drafts, "AUDRCV0001", 0, "0" * 64)
    assert made == reference


@pytest.mark.parametrize("drafts", [[None], [()], [[0, 1]], [[0, 1, "", 1], "text"], [[]]])
def test_what_is_no_draft_is_an_error_and_no_harm(drafts):
    with pytest.raises(TypeError, match="a draft is a list"):
        _chain(Receiver(name="A", last_sequence=0, last_hash="0" * 64, size_bytes=0, first_sequence=1), drafts, None)


endpoints = st.builds(
    Endpoint,
    st.integers(0, 2**128 - 1) | st.integers(MAPPED, MAPPED + 2**32 - 1) | st.just(0),
    st.sampled_from([0, 1, 443, 65535]),
)
texts = st.sampled_from(
    ["", "ALICE", "/usr/bin/nginx", "a\0b", "\udcff\udc80", "é" * 200, '"quoted"', "[2001:db8::1]:1080"]
)
counts = st.sampled_from([0, 1, 99999, 2**31 - 1])
calls = st.builds(
    decided,
    at_ns=st.sampled_from([0, 999, AT_NS, 2**62 - 1]),
    exit_point=st.sampled_from(list(EXIT_POINT_CODES)),
    decision=st.builds(
        Decision, st.sampled_from(Outcome), counts, st.just(1), journal=st.just(True), alert=st.just(False)
    ),
    revision=counts,
    who=st.builds(Who, texts, texts, counts),
    local=endpoints,
    remote=endpoints,
    decision_us=counts,
    text=texts,
    socks_server=texts.filter(lambda text: "\udcff" not in text),
)  # fmt: skip


def taken(octets, last=0):
    found = outcome(take, octets, last, guard_id=GUARD_ID, job="000001/ALICE/CURL")
    if isinstance(found[0], type) and issubclass(found[0], WorkerError):
        return found
    return repr(found)


@given(st.lists(calls, max_size=30), st.integers(0, 3))
def test_drafts_of_records_are_those_of_python(made, skipped):
    octets = b"".join(
        sealed(pack(number, (number, 3, 2**61 + number), each)) for number, each in enumerate(made, 1)
    )  # fmt: skip
    found, reference = both(taken, octets, skipped)
    assert found == reference


@given(st.lists(calls, min_size=1, max_size=5), st.data())
def test_damaged_records_are_to_the_compiled_loop_what_they_are_to_python(made, data):
    octets = bytearray(b"".join(sealed(pack(number, (1, 2, 3), each)) for number, each in enumerate(made, 1)))
    for place in data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=3)):
        octets[place] = data.draw(st.integers(0, 255))
    cut = bytes(octets[: data.draw(st.integers(0, len(octets)))])
    found, reference = both(taken, cut)
    assert found == reference


@given(st.binary(max_size=300), st.integers(0, 400))
def test_octets_with_a_good_checksum_are_to_the_compiled_loop_what_they_are_to_python(body, more):
    octets = sealed(body + bytes(more))
    assert len(set(both(taken, octets))) == 1
    assert len(set(both(taken, record(1) + octets, 0))) == 1


def test_all_that_comes_with_a_notice_is_left_to_python():
    octets = record(1) + sealed(pack_notice(2, (1, 1, 1), AT_NS, "GWL0510"))
    found, reference = both(taken, octets)
    assert found == reference
    assert "GWL0510" in found


METADATA = MetaData()
SHAPES = (("b", "c", "d"), ("c",))
TABLE = Table(
    "t", METADATA, Column("a", Integer), Column("b", String), Column("c", LargeBinary), Column("d", String),
)  # fmt: skip


def stored(rows):
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.connect() as connection:
        insert_rows(connection, TABLE, ("a", "b", "c", "d"), rows, alike=SHAPES)
        found = connection.exec_driver_sql("SELECT *, typeof(a), typeof(b), typeof(c), typeof(d) FROM t").fetchall()
    engine.dispose()
    return repr(found)


same_text, other_text = "text", "".join(["te", "xt"])
storable_values = st.sampled_from(
    [same_text, other_text, "", None, 1, 2**63 - 1, -1, 1.5, b"octets", True, "a\0b", "é"]
)


@given(st.data(), st.sampled_from([0, 1, _GROUP - 1, _GROUP, _GROUP + 1, 3 * _GROUP, 4 * _GROUP + 5]), st.booleans())
def test_rows_that_are_inserted_together_are_those_that_were_given(data, count, as_tuples):
    common = data.draw(st.tuples(*[storable_values] * 4))
    rows = [list(common) for _ in range(count)]
    for place in data.draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=4)) if count else []:
        rows[place][data.draw(st.integers(0, 3))] = data.draw(storable_values)
    rows = list(map(tuple, rows)) if as_tuples else rows
    found, reference = both(stored, rows)
    assert found == reference
    with in_python():
        one_by_one = [stored([row])[1:-1] for row in rows[:3]]
    assert found.startswith("[" + ", ".join(one_by_one))


def test_row_that_is_too_short_is_refused():
    rows = [[1, "b", b"c", "d"] for _ in range(_GROUP)]
    rows[7] = [1, "b", b"c"]
    with pytest.raises(ValueError, match="not as many values"):
        stored(rows)
    with in_python(), pytest.raises(SQLAlchemyError):
        stored(rows)


@pytest.mark.parametrize(
    "arguments",
    [
        ([], 0, 1, 2, ()), ([(1, 2)], 1, 1, 2, ()), ([(1, 2)], 0, 2, 2, ()), ([(1, 2)], -1, 1, 2, ()),
        ([(1, 2)], 0, 0, 2, ()), ([(1, 2)], 0, 1, 65, ()), ([(1, 2)], 0, 1, 0, ()), ([(1, 2)], 0, 1, 2, (2,)),
        ([(1, 2)], 0, 1, 2, (-1,)), ([(1, 2)], 2**62, 2**62, 2, ()), ([None], 0, 1, 2, ()),
    ],
)  # fmt: skip
def test_rows_and_columns_that_are_not_there_are_refused(arguments):
    with pytest.raises(ValueError, match=r"no such|not as many"):
        compiled.journalling.flat(*arguments)


@given(st.lists(st.lists(usual | any_value, min_size=3, max_size=3), max_size=9))
def test_columns_are_those_of_the_rows_where_all_are_texts_and_numbers(rows):
    wanted = [(2, str, "t"), (0, int, "n"), (2, str, "t")]
    found = compiled.journalling.columns(rows, (2, 0, 2), "tnt")
    if all(type(row[place]) is kind for row in rows for place, kind, _ in wanted):
        assert found == [[row[place] for row in rows] for place, _, _ in wanted]
    else:
        assert found is None


@pytest.mark.parametrize("rows", [[()], [None], [[1, 2]], [[]], [[1, 2, 3], []]])
def test_rows_without_a_column_have_no_columns(rows):
    assert compiled.journalling.columns(rows, (2,), "n") is None


@pytest.mark.parametrize(("places", "kinds"), [((-1,), "n"), ((0,), ""), (("a",), "n"), ((2**70,), "n")])
def test_columns_that_are_none_are_refused(places, kinds):
    with pytest.raises((ValueError, TypeError, OverflowError)):
        compiled.journalling.columns([[1]], places, kinds)


def test_a_million_entries_leave_no_memory_behind():
    octets = b"".join(record(number, remote=Endpoint(MAPPED + number, number)) for number in range(1, 1001))
    text, receiver = "a text of its own", Receiver(name="AUDRCV0001", first_sequence=1, size_bytes=0)

    def once():
        drafts = take(octets, 0, guard_id=GUARD_ID, job="000001/ALICE/CURL").drafts
        drafts[10][21], drafts[500][21], drafts[700][21] = 'a "quoted" text', text, Nothing()
        receiver.last_sequence, receiver.last_hash = 0, "0" * 64
        with pytest.raises(TypeError):
            _chain(receiver, drafts, None)
        for shape in (*_SHAPES, ()):
            compiled.journalling.flat(drafts, 0, 700, len(FIELDS) + 1, shape)
        assert compiled.journalling.columns(drafts[:700], (0, 1, 24), "ntn") is not None
        assert compiled.journalling.columns(drafts, (0, 21), "nt") is None
        with pytest.raises(ValueError, match="not as many"):
            compiled.journalling.flat(drafts, 600, 400, len(FIELDS) + 1, ())

    for _ in range(20):
        once()
    gc.collect()
    before, references = sys.getallocatedblocks(), sys.getrefcount(text)
    for _ in range(1000):
        once()
    gc.collect()
    assert sys.getrefcount(text) == references
    assert sys.getallocatedblocks() - before < 500


_SHAPES = [tuple(sorted(map(_COLUMNS.index, names))) for names in _ALIKE]


def test_what_most_entries_have_in_common_is_handed_over_once():
    drafts = take(b"".join(record(number) for number in range(1, 41)), 0, guard_id=GUARD_ID, job="J").drafts
    _chain(Receiver(name="A", last_sequence=0, last_hash="0" * 64, size_bytes=0, first_sequence=1), drafts, None)
    values = compiled.journalling.flat(drafts, 0, 32, len(_COLUMNS), _SHAPES[0])
    rest = [[value for place, value in enumerate(row) if place not in _SHAPES[0]] for row in drafts[:32]]
    assert values == (*(drafts[0][place] for place in _SHAPES[0]), *chain.from_iterable(rest))
