"""Counting in time windows: right against a plain model, and bounded whatever the keys are."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from console.alerts.windows import Window
from tests.conftest import NOW

events = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.sampled_from("xyzuv")), max_size=60)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


@given(events, st.integers(1, 6), st.integers(1, 10))
def test_count_is_that_of_a_plain_model_when_time_goes_on(found, threshold, within):
    window = Window(threshold, timedelta(seconds=within))
    seen = []
    moment = 0
    for key, step, _ in found:
        moment += step
        seen.append((key, moment))
        inside = sum(other == key and moment - within < when for other, when in seen)
        assert window.add(key, at(moment)) == min(inside, threshold)


@given(events, st.integers(1, 6), st.integers(1, 10))
def test_different_values_are_counted_once_at_their_last_moment(found, threshold, within):
    window = Window(threshold, timedelta(seconds=within))
    last = {}
    moment = 0
    for key, step, value in found:
        moment += step
        last[key, value] = moment
        inside = sum(other == key and moment - within < when for (other, _), when in last.items())
        assert window.add(key, at(moment), value) == min(inside, threshold)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)), max_size=200), st.booleans())
def test_memory_is_bounded_whatever_comes_in_whatever_order(found, counts_values):
    window = Window(4, timedelta(seconds=10), most_keys=5, most_kept=12)
    for key, when in found:
        count = window.add(key, at(when), f"v{when}" if counts_values else None)
        assert 1 <= count <= 4
        assert len(window) <= 5
        assert window.kept <= 12
    runs = [run for found in window._runs.values() for run in found]
    assert window.kept == sum(len(run.moments) for run in runs)
    assert all(len(run.values) == len(run.moments) * counts_values for run in runs)


def test_moment_that_comes_late_counts_at_its_own_time():
    window = Window(3, timedelta(seconds=10))
    assert window.add("k", at(0)) == 1
    assert window.add("k", at(100)) == 1
    assert window.add("k", at(95)) == 2
    assert window.add("k", at(1)) == 2  # that of 0, and this
    assert window.add("k", at(101)) == 3


def test_clock_that_was_set_back_hides_nothing_from_the_count():
    window = Window(3, timedelta(seconds=10))
    assert [window.add("k", at(when)) for when in (3600, 3601, 3602)] == [1, 2, 3]
    assert [window.add("k", at(when)) for when in (0, 1, 2, 3, 20)] == [1, 2, 3, 3, 1]
    assert [window.add("k", at(when)) for when in (-3600, -3599)] == [1, 2]
    assert [window.add("k", at(when)) for when in (-7200, -7199, -7198)] == [1, 2, 3]
    assert [window.add("k", at(when), None) for when in (3603, 3604)] == [1, 2]  # the first run had to go


def test_values_that_were_met_in_a_time_to_come_count_anew_when_the_clock_was_set_back():
    window = Window(3, timedelta(seconds=10))
    assert [window.add("k", at(3600 + when), value) for when, value in enumerate("abc")] == [1, 2, 3]
    assert [window.add("k", at(when), value) for when, value in enumerate("abbc")] == [1, 2, 2, 3]


def test_two_spools_that_come_late_side_by_side_are_counted_each_by_itself():
    window = Window(3, timedelta(seconds=10))
    window.add("k", at(10_000))
    found = [(window.add("k", at(when)), window.add("k", at(1000 + when))) for when in range(3)]
    assert found == [(1, 1), (2, 2), (3, 3)]


def test_exactly_the_time_ago_is_out_of_it():
    window = Window(2, timedelta(seconds=10))
    window.add("k", at(0))
    assert window.add("k", at(10)) == 1
    assert window.add("k", at(19.999)) == 2


def test_key_met_longest_ago_is_forgotten_first_and_said_to_be():
    window = Window(2, timedelta(seconds=10), most_keys=2)
    window.add("old", at(0))
    window.add("new", at(1))
    window.add("old", at(2))
    window.add("third", at(3))
    assert window.forgotten == 1
    assert window.add("old", at(4)) == 2
    window.add("late", at(100))
    assert window.forgotten == 1  # what went had run out by itself


def test_forgetting_a_key_begins_it_anew():
    window = Window(2, timedelta(seconds=10))
    window.add("k", at(0), "v")
    window.clear("k")
    window.clear("never there")
    assert (window.kept, len(window)) == (0, 0)
    assert window.add("k", at(1), "v") == 1
