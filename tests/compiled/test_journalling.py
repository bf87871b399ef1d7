"""The compiled loops of the journal give what the loops in Python give, to the bit, whatever they are given."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import blake2b

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
from console.journal.chain import FIELDS, PERSON, canonical, link
from console.journal.writer import _COLUMNS, _SHAPES, _chain, _chain_compiled, _text_day, _text_time
from console.model.journal import Receiver
from console.model.words import Outcome
from console.policy.request import MAPPED, Decision
from console.store.bulk import GROUP, Together, insert_rows, insert_together, shapes_of
from console.store.journal_recent import KINDS, PLACES
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


def in_order(together, width):
    """Return the rows that were put together, one by one."""
    found = []
    for shape, groups in together.runs:
        for group in groups:
            once, rest = dict(zip(shape, group[: len(shape)], strict=True)), iter(group[len(shape) :])
            found += [
                tuple(once[place] if place in once else next(rest) for place in range(width)) for _ in range(GROUP)
            ]
            assert list(rest) == []
    return found + together.rest


def receiver_of(name="AUDRCV0001", last=0, digest="0" * 64):
    return Receiver(name=name, last_sequence=last, last_hash=digest, size_bytes=5, first_sequence=1)


def chained(drafts, name="AUDRCV0001", last=0, digest="0" * 64):
    """Return the rows of drafts and the end of their receiver; what is kept of them is as it is in the rows."""
    receiver = receiver_of(name, last, digest)
    before = repr(drafts)
    if compiled.journalling is None:
        rows = _chain(receiver, drafts, None)
    else:
        together, columns = _chain_compiled(compiled.journalling, receiver, drafts)
        rows = in_order(together, len(_COLUMNS))
        kinds = [int if kind == "n" else str for kind in KINDS]
        is_usual = all(type(row[place]) is kind for row in rows for place, kind in zip(PLACES, kinds, strict=True))
        assert columns == ([[row[place] for row in rows] for place in PLACES] if is_usual else None)
    assert repr(drafts) == before
    return repr(rows), receiver.last_sequence, receiver.last_hash, receiver.size_bytes


@given(many_drafts(), any_text, st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
@example([[0, 0, "", *[value] * 22] for value in ("a", "a", '"', "a", "\ud800")], "AUDRCV0001", 0, bytes(32))
@example([[0, 0, "", *[value] * 22] for value in ("a", '"', "a", -(2**63), 2**63 - 1)], "AUDRCV0001", 7, bytes(32))
def test_chained_drafts_are_those_of_python(drafts, name, last, digest):
    made, reference = both(chained, drafts, name, last, digest.hex())
    assert made == reference


def test_times_are_written_as_in_python_on_both_sides_of_seconds_days_and_1970():
    day_us, last = 86_400 * 10**6, 253_402_300_799_999_999
    times = [
        at + by for at in (-(10**6), 0, 10**6, 60 * 10**6, 3600 * 10**6, day_us, -day_us, 2**50) for by in (-1, 0, 1)
    ]
    made, reference = both(chained, [[0, at, "", *["a"] * 22] for at in [*times, last]])
    assert made == reference
    assert "'9999-12-31 23:59:59.999999'" in made[0]


@given(many_drafts(), st.integers(1, 5), st.integers(0, 40))
def test_rows_of_many_statements_are_those_of_python(drafts, times, more):
    made, reference = both(chained, [*(drafts * (times * GROUP)), *(drafts[:1] * more)])
    assert made == reference


@pytest.mark.parametrize(
    "drafts", [[None], [()], [[0, 1]], [[0, 1, "", 1], "text"], [[]], [[0] * 24], [[0] * 26], [tuple([0] * 25)]]
)
def test_what_is_no_draft_is_an_error_and_no_harm(drafts):
    with pytest.raises(TypeError, match="a draft is a list"):
        _chain_compiled(compiled.journalling, receiver_of(), drafts)


def test_draft_that_is_taken_away_meanwhile_is_an_error_and_no_harm():
    class Thief(str):
        """A text whose encoder is ours."""

    drafts = [[0, 0, "", *["a"] * 22] for _ in range(50)]
    drafts[20][5] = Thief("b")

    def encode(_row):
        drafts.clear()
        return b"[]"

    with pytest.raises(IndexError):
        native(drafts=drafts, encode=encode)


def native(**instead):
    """Call the loop in C."""
    arguments = {
        "drafts": [[0, 0, "", *["a"] * 22] for _ in range(50)], "name": "AUDRCV0001", "number": 0, "before": bytes(32),
        "person": PERSON, "encode": canonical, "text_day": _text_day, "text_time": _text_time,
        "width": len(_COLUMNS), "together": GROUP, "shapes": _SHAPES, "places": PLACES, "kinds": KINDS,
    }  # fmt: skip
    assert not set(instead) - set(arguments)
    return compiled.journalling.chain_drafts(*(arguments | instead).values())


@pytest.mark.parametrize(
    "instead",
    [
        {"before": bytes(31)}, {"before": bytes(33)}, {"person": bytes(17)}, {"number": -1}, {"number": 2**63 - 50},
        {"width": 3}, {"width": 33}, {"width": -1}, {"width": 25}, {"together": 0}, {"together": -1},
        {"together": 2**40}, {"shapes": ()}, {"shapes": ((0,),)}, {"shapes": ((5, 5), ())}, {"shapes": ((5, 4), ())},
        {"shapes": ((26,), ())}, {"shapes": ((-1,), ())}, {"shapes": (("a",), ())}, {"shapes": ([], ())},
        {"shapes": ((2**70,), ())}, {"places": (-1,), "kinds": "n"}, {"places": (26,), "kinds": "n"},
        {"places": ("a",), "kinds": "n"}, {"places": (2**70,), "kinds": "n"}, {"places": (0,), "kinds": ""},
        {"places": (0,) * 65, "kinds": "n" * 65}, {"encode": lambda _: "text", "drafts": [[None] * 25]},
        {"text_day": lambda _: ""}, {"text_day": lambda _: "a" * 33}, {"text_day": lambda _: None},
        {"text_time": None, "drafts": [[None] * 25]},
    ],
)  # fmt: skip
def test_what_rows_cannot_be_made_of_is_refused(instead):
    with pytest.raises((ValueError, TypeError, OverflowError)):
        native(**instead)


@pytest.mark.parametrize("person", [b"", PERSON, bytes(16), bytes(range(16))])
def test_hash_in_c_is_that_of_hashlib(person):
    for size in (*range(300), 1000, 4096, 100_003):
        form = bytes(place * 7 + size & 255 for place in range(size))
        found = native(drafts=[[Text(), 0, "", *[Text()] * 22]], person=person, encode=lambda _, form=form: form)[1]
        assert found == blake2b(bytes(32) + form, digest_size=32, person=person).digest()
        assert person != PERSON or found == link(bytes(32), form)


def test_rows_have_the_first_shape_that_fits_and_runs_of_it_are_one_statement_each():
    drafts = [[0, 0, "", *["a"] * 22] for _ in range(4 * GROUP + 1)]
    drafts[2 * GROUP + 3][11] = "another job"
    shapes = (tuple(range(3, 12)), (3, 5), ())
    _, _, _, runs, rest, _ = native(drafts=drafts, shapes=shapes)
    assert [(shape, len(groups)) for shape, groups in runs] == [(shapes[0], 2), (shapes[1], 1), (shapes[0], 1)]
    assert [len(group) for _, groups in runs for group in groups] == [9 + 32 * 17] * 2 + [2 + 32 * 24, 9 + 32 * 17]
    assert len(rest) == 1


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
NAMES = ("a", "b", "c", "d")
TABLE = Table(
    "t", METADATA, Column("a", Integer), Column("b", String), Column("c", LargeBinary), Column("d", String),
)  # fmt: skip


def stored(insert, rows):
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.connect() as connection:
        insert(connection, TABLE, NAMES, rows)
        found = connection.exec_driver_sql("SELECT *, typeof(a), typeof(b), typeof(c), typeof(d) FROM t").fetchall()
    engine.dispose()
    return repr(found)


same_text, other_text = "text", "".join(["te", "xt"])
storable_values = st.sampled_from(
    [same_text, other_text, "", None, 1, 2**63 - 1, -1, 1.5, b"octets", True, "a\0b", "é"]
)


@given(st.data(), st.sampled_from([0, 1, GROUP - 1, GROUP, GROUP + 1, 3 * GROUP, 4 * GROUP + 5]), st.booleans())
def test_rows_that_are_inserted_together_are_those_that_were_given(data, count, as_tuples):
    common = data.draw(st.tuples(*[storable_values] * 4))
    rows = [list(common) for _ in range(count)]
    for place in data.draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=4)) if count else []:
        rows[place][data.draw(st.integers(0, 3))] = data.draw(storable_values)
    rows = list(map(tuple, rows)) if as_tuples else rows
    found = stored(insert_rows, rows)
    one_by_one = [stored(insert_rows, [row])[1:-1] for row in rows[:3]]
    assert found.startswith("[" + ", ".join(one_by_one))


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (0, 1, 2, 3)])
def test_values_that_come_once_are_in_all_rows(shape):
    rows = [tuple(f"{0 if place in shape else number} {place}" for place in range(4)) for number in range(GROUP + 2)]
    rest = [row[place] for row in rows[:GROUP] for place in range(4) if place not in shape]
    group = (*(rows[0][place] for place in shape), *rest)
    found = stored(insert_together, Together([(shape, [group])], rows[GROUP:]))
    assert found == stored(insert_rows, rows)


def test_shapes_are_in_the_order_of_the_columns_and_end_with_the_one_of_all_rows():
    assert shapes_of(NAMES, ("d", "a"), ("c",)) == ((0, 3), (2,), ())


def test_row_that_is_too_short_is_refused():
    rows = [[1, "b", b"c", "d"] for _ in range(GROUP)]
    rows[7] = [1, "b", b"c"]
    with pytest.raises(SQLAlchemyError):
        stored(insert_rows, rows)


def test_a_million_entries_leave_no_memory_behind():
    octets = b"".join(record(number, remote=Endpoint(MAPPED + number, number)) for number in range(1, 1001))
    text, receiver = "a text of its own", receiver_of()

    def once():
        drafts = take(octets, 0, guard_id=GUARD_ID, job="000001/ALICE/CURL").drafts
        drafts[10][21], drafts[500][21] = 'a "quoted" text', text
        receiver.last_sequence, receiver.last_hash = 0, "0" * 64
        assert _chain_compiled(compiled.journalling, receiver, drafts)[1] is not None
        drafts[600][10] = None
        assert _chain_compiled(compiled.journalling, receiver, drafts)[1] is None
        drafts[700][21] = Nothing()
        with pytest.raises(TypeError):
            _chain_compiled(compiled.journalling, receiver, drafts)
        with pytest.raises(ValueError, match="no shape"):
            native(drafts=drafts[:500], shapes=((0,),))

    for _ in range(20):
        once()
    gc.collect()
    before, references = sys.getallocatedblocks(), sys.getrefcount(text)
    for _ in range(1000):
        once()
    gc.collect()
    assert sys.getrefcount(text) == references
    assert sys.getallocatedblocks() - before < 500


def test_what_most_entries_have_in_common_is_handed_over_once():
    drafts = take(b"".join(record(number) for number in range(1, 41)), 0, guard_id=GUARD_ID, job="J").drafts
    together, _ = _chain_compiled(compiled.journalling, receiver_of(), drafts)
    assert [shape for shape, _ in together.runs] == [_SHAPES[0]]
    assert len(together.rest) == 8
