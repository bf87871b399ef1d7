"""An alert for each key: raised, told of again after the quiet time, over, and for how long it was raised."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from console.alerts.states import MOST_A_MINUTE, MOST_RAISED, OTHERS, Spec, Tracker, What, key_text
from console.model.alerts import Telling
from tests.alerts.rows import at, row


def spec(**fields):
    whole = {
        "name": "REFUSED",
        "condition": "outcome = *REJECTED",
        "per": "remote_address",
        "threshold": 3,
        "within": timedelta(seconds=10),
        "clear_after": timedelta(seconds=20),
        "quiet": timedelta(seconds=60),
    }
    return Spec(**{**whole, **fields})


def refused(number, seconds, peer="10.0.0.1", **fields):
    return row(number, seconds, **{"outcome": "*REJECTED", "remote_address": peer, **fields})


def told(events):
    return [(event.what, event.key, event.count, event.more) for event in events]


def test_threshold_in_the_time_raises_it_once_for_its_key():
    tracker = Tracker(spec())
    assert tracker.feed(refused(1, 0)) == []
    assert tracker.feed(refused(2, 1, "10.0.0.2")) == []
    assert tracker.feed(row(3, 2, remote_address="10.0.0.1")) == []
    assert tracker.feed(refused(4, 3)) == []
    (event,) = tracker.feed(refused(5, 4))
    assert told([event]) == [(What.RAISED, "10.0.0.1", 3, 3)]
    assert (event.raised_at, event.first_number, event.last_number) == (at(4), 5, 5)
    assert tracker.feed(refused(6, 5)) == []


def test_slow_entries_raise_nothing():
    tracker = Tracker(spec())
    assert [event for number in range(50) for event in tracker.feed(refused(number + 1, 5 * number))] == []


def test_it_is_over_when_it_was_not_met_for_long_enough_and_says_how_long_it_lasted():
    tracker = Tracker(spec())
    for number in range(8):
        tracker.feed(refused(number + 1, number))
    assert tracker.tick(at(26.9)) == []
    (event,) = tracker.tick(at(27))
    assert told([event]) == [(What.CLEARED, "10.0.0.1", 8, 5)]
    assert event.lasted == timedelta(seconds=5)
    assert tracker.raised == {}
    assert tracker.tick(at(100)) == []


def test_while_it_lasts_it_is_told_again_after_each_quiet_time_with_what_came_since():
    tracker = Tracker(spec())
    said = [event for number in range(150) for event in tracker.feed(refused(number + 1, number))]
    assert told(said) == [
        (What.RAISED, "10.0.0.1", 3, 3),
        (What.AGAIN, "10.0.0.1", 63, 60),
        (What.AGAIN, "10.0.0.1", 123, 60),
    ]
    assert told(tracker.tick(at(149))) == []


def test_what_came_last_in_a_quiet_time_is_told_when_it_is_over():
    tracker = Tracker(spec(clear_after=timedelta(seconds=600)))
    for number in range(5):
        tracker.feed(refused(number + 1, number))
    assert tracker.tick(at(61)) == []
    assert told(tracker.tick(at(62))) == [(What.AGAIN, "10.0.0.1", 5, 2)]
    assert tracker.tick(at(200)) == []


def test_one_that_comes_and_goes_is_told_once_in_a_quiet_time():
    tracker = Tracker(spec(clear_after=timedelta(seconds=5)))
    said = []
    for number, begun in enumerate((0, 20, 40, 59)):
        for each in range(3):
            said += tracker.feed(refused(10 * number + each + 1, begun + each / 10))
        said += tracker.tick(at(begun + 3))
        said += tracker.tick(at(begun + 6))
    assert [event.what for event in said] == [What.RAISED, What.CLEARED, What.RAISED, What.CLEARED]
    assert said[2].at == at(62)


def test_entry_that_meets_the_clear_condition_ends_it_at_once_and_time_does_not():
    tracker = Tracker(spec(threshold=1, condition="text = GWL0820*", clear_condition="text = GWL0821*", per=""))
    assert told(tracker.feed(row(1, 0, text="GWL0820 down"))) == [(What.RAISED, "", 1, 1)]
    assert tracker.tick(at(50)) == []
    (event,) = tracker.feed(row(2, 90, text="GWL0821 back"))
    assert (event.what, event.at, event.raised_at) == (What.CLEARED, at(90), at(0))
    assert tracker.feed(row(3, 91, text="GWL0821 back")) == []


def test_different_values_are_counted_and_not_entries():
    tracker = Tracker(spec(distinct="local_port"))
    for number in range(20):
        assert tracker.feed(refused(number + 1, 0, local_port=number % 2)) == []
    assert len(tracker.feed(refused(99, 1, local_port=7))) == 1


def test_each_tells_each_entry_up_to_so_many_a_minute_and_says_how_many_it_did_not():
    tracker = Tracker(spec(threshold=1, telling=Telling.EACH, quiet=timedelta()))
    said = [event for number in range(200) for event in tracker.feed(refused(number + 1, number / 10))]
    assert [event.what for event in said] == [What.MET] * MOST_A_MINUTE
    (event,) = tracker.feed(refused(999, 61))
    assert event.more == 200 - MOST_A_MINUTE + 1


def test_each_with_a_quiet_time_tells_a_key_once_in_it():
    tracker = Tracker(spec(threshold=1, telling=Telling.EACH))
    said = [event for number in range(130) for event in tracker.feed(refused(number + 1, number))]
    assert [event.at for event in said] == [at(0), at(60), at(120)]


def test_what_was_raised_before_a_restart_is_not_raised_again():
    before = Tracker(spec())
    for number in range(3):
        before.feed(refused(number + 1, number))
    after = Tracker(spec())
    after.resume(before.raised.values())
    for number in range(3):
        after.warm_up(refused(number + 1, number))
    assert after.feed(refused(4, 4)) == []
    assert told(after.tick(at(24))) == [(What.CLEARED, "10.0.0.1", 4, 1)]


def test_too_many_keys_are_raised_together():
    tracker = Tracker(spec(threshold=1))
    said = [event for number in range(MOST_RAISED + 9) for event in tracker.feed(refused(number + 1, 0, f"h{number}"))]
    assert [event.key for event in said[MOST_RAISED:]] == [OTHERS]
    assert len(tracker.raised) == MOST_RAISED + 1
    assert tracker.raised[OTHERS].count == 9


def test_keys_are_different_for_different_values_and_short():
    assert key_text(["a b", "c"]) != key_text(["a", "b c"])
    assert key_text(["a\\", "b"]) != key_text(["a\\ b"])
    assert key_text(["x" * 5000]) != key_text(["x" * 5001])
    assert len(key_text(["\N{SNOWMAN}" * 5000])) <= 200


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 15)), max_size=80), st.integers(1, 4))
def test_each_key_is_raised_before_it_is_over_and_every_entry_over_the_threshold_is_in_a_count(found, threshold):
    tracker = Tracker(spec(threshold=threshold, quiet=timedelta()))
    moment, events = 0, []
    for number, (key, step) in enumerate(found):
        moment += step
        events += tracker.tick(at(moment))
        events += tracker.feed(refused(number + 1, moment, key))
    events += tracker.tick(at(moment + 1000))
    for key in "abc":
        own = [event for event in events if event.key == key]
        is_raised = False
        for event in own:
            assert (event.what is What.RAISED) is not is_raised
            is_raised = event.what is not What.CLEARED
            assert event.count >= threshold
        assert not is_raised
    assert tracker.raised == {}


def test_quiet_time_ends_though_the_clock_was_set_back():
    tracker = Tracker(spec(clear_after=timedelta(hours=2)))
    for number in range(3):
        tracker.feed(refused(number + 1, 3600 + number))
    tracker.tick(at(3602))
    said = []
    for number in range(40):
        said += tracker.feed(refused(number + 4, 3 * number))
        said += tracker.tick(at(3 * number))
    assert [event.what for event in said] == [What.AGAIN]
    assert said[0].at == at(60)


def test_what_is_raised_is_over_though_the_clock_was_set_back():
    tracker = Tracker(spec())
    for number in range(3):
        tracker.feed(refused(number + 1, 3600 + number))
    tracker.tick(at(3602))
    assert tracker.tick(at(0)) == []
    assert [event.what for event in tracker.tick(at(20))] == [What.CLEARED]
    for number in range(3):
        assert tracker.feed(refused(number + 10, 50 + number)) == []
    assert tracker.tick(at(59)) == []
    assert [event.what for event in tracker.tick(at(60))] == [What.RAISED]


def test_state_that_an_earlier_process_left_in_a_time_to_come_does_not_last_until_then():
    before = Tracker(spec())
    for number in range(3):
        before.feed(refused(number + 1, 3600 + number))
    after = Tracker(spec())
    after.resume(before.raised.values())
    assert after.tick(at(0)) == []
    assert [event.what for event in after.tick(at(20))] == [What.CLEARED]
