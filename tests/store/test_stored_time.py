"""The form in which a store has times: what SQLAlchemy writes, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import DATETIME, dialect

from console.store.stored_time import stored_moment

OTHER_FORMS = [
    "2026-03-01T12:00:00.123456", "2026-03-01x12:00:00.123456", "20260301T120000.123456", "2026-W09-7T12:00:00.123456",
    "2026-03-01 14:00:00.123456+02:00", "2026-03-01 12:00:00,123456", "2026-03-01 12:00:00.1234569", "20260301",
    "2026-03-01 12:00:00", "2026-03-01", "2026-03-01 24:00:00.000000", "2026-03-01 12:00:60.000000",
    "2026-02-30 12:00:00.000000", "2026-03-01 12:00:00.12345\u0666", "2026-03-01 12:00:00.123456\n",
    "0001-01-01 00:00:00.000000+23:59", "9999-12-31 23:59:59.000000-23:59", "", "x", b"2026-03-01 12:00:00.000000", 7,
    None,
]  # fmt: skip


@given(moment=st.datetimes())
def test_what_the_database_layer_writes_is_a_time(moment):
    written = DATETIME().bind_processor(dialect())(moment)
    assert stored_moment(written) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("found", OTHER_FORMS)
def test_other_forms_of_times_are_none(found):
    with pytest.raises(ValueError, match=r"no time of a store|is out of range|must be in"):
        stored_moment(found)


def test_time_of_another_database_is_in_utc_or_none():
    east = timezone(timedelta(hours=23, minutes=59))
    assert stored_moment(datetime(2026, 3, 1, 23, 59, tzinfo=east)) == datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="no time of a store"):
        stored_moment(datetime(1, 1, 1, tzinfo=east))
