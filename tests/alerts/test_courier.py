"""Deliveries: at least once, tried again after longer pauses, and a failing destination told of once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.alerts.courier import Courier, pause_after
from console.messages import message
from console.model.alerts import AlertDestination, Delivered
from console.policy.secret import Secret
from console.store import alerts as kept
from console.store import deliveries
from console.store.messages import list_messages
from console.store.secrets import seal
from console.store.session import reading, transaction
from tests.alerts.receivers import Posts, free_port, web_server
from tests.alerts.rows import at


@pytest.fixture
def hook(store):
    """Return what makes the destination HOOK."""

    def make(port, **fields):
        row = {"name": "HOOK", "channel": "*WEBHOOK", "target": f"http://127.0.0.1:{port}/", "time_limit_s": 10}
        with transaction(store) as session:
            kept.change_destination(session, AlertDestination.model_validate({**row, **fields}))

    return make


@pytest.fixture
def put(store):
    """Return what keeps notices to be delivered."""

    def keep(*names, seconds=0):
        with transaction(store) as session:
            for name in names:
                text = f'{{"id": "{name}", "event": "*TEST"}}'
                deliveries.put(session, delivery_id=name, alert="A", destination="HOOK", payload=text, at=at(seconds))

    return keep


def told(store):
    with reading(store) as session:
        return [each.message_id for each in reversed(list_messages(session))]


def state(store):
    with reading(store) as session:
        return [(each.delivery_id, each.state, each.tries) for each in reversed(deliveries.list_deliveries(session))]


def test_what_waits_is_delivered_in_order_and_once(store, clock, hook, put):
    posts = Posts()
    put(*"abc")
    with web_server(posts) as port:
        hook(port)
        courier = Courier(store, clock)
        assert courier.due() == ["HOOK"]
        courier.deliver("HOOK")
        courier.deliver("HOOK")
    assert [body["id"] for body in posts.bodies()] == ["a", "b", "c"]
    assert state(store) == [(name, Delivered.SENT, 1) for name in "abc"]
    assert (courier.due(), told(store)) == ([], [])


def test_failing_destination_is_told_of_once_and_once_when_it_works_again(store, clock, hook, put):
    posts = Posts()
    port = free_port()
    hook(port)
    put(*"ab")
    courier = Courier(store, clock)
    for seconds, tries in ((0, 1), (5, 2), (20, 3)):
        clock.seconds = seconds - 0.1
        assert courier.due() == []
        clock.seconds = seconds
        courier.deliver("HOOK")
        assert state(store) == [("a", Delivered.WAITING, tries), ("b", Delivered.WAITING, 0)]
    assert told(store) == ["GWL0924"]
    clock.seconds = 65
    with web_server(posts, port):
        courier.deliver("HOOK")
    assert [body["id"] for body in posts.bodies()] == ["a", "b"]
    with reading(store) as session:
        (back,) = list_messages(session)
    assert back.text == message("GWL0925", name="HOOK", duration="1 min 5 s").text


def test_process_killed_after_the_receiver_took_it_delivers_it_again_with_the_same_id(
    store, clock, hook, put, monkeypatch
):
    posts = Posts()
    put("a")

    def die(*_):
        raise KeyboardInterrupt

    with web_server(posts) as port:
        hook(port)
        with monkeypatch.context() as patched:
            patched.setattr(deliveries, "sent", die)
            with pytest.raises(KeyboardInterrupt):
                Courier(store, clock).deliver("HOOK")
        Courier(store, clock).deliver("HOOK")
    assert [headers["X-Greenwall-Id"] for _, headers, _ in posts.found] == ["a", "a"]
    assert state(store) == [("a", Delivered.SENT, 1)]


def test_pauses_grow_to_an_hour():
    assert [pause_after(tries).total_seconds() for tries in range(7)] == [5, 15, 45, 135, 405, 1215, 3600]
    assert pause_after(10**6) == timedelta(hours=1)


def test_notice_is_given_up_after_a_day_and_the_next_is_tried(store, clock, hook, put):
    hook(free_port())
    put("old")
    courier = Courier(store, clock)
    clock.seconds = 86_400
    put("new", seconds=86_400)
    courier.deliver("HOOK")
    assert state(store) == [("old", Delivered.FAILED, 1), ("new", Delivered.WAITING, 0)]
    assert told(store) == ["GWL0926", "GWL0924"]
    courier.deliver("HOOK")
    assert state(store)[1] == ("new", Delivered.WAITING, 1)


def test_destination_that_is_no_more_is_a_failure(store, clock, put):
    put("a")
    Courier(store, clock).deliver("HOOK")
    with reading(store) as session:
        assert "GWL0932" in deliveries.list_deliveries(session)[0].error


def test_secret_is_used_and_one_that_cannot_be_read_is_a_failure(store, clock, hook, put):
    posts = Posts()
    sealed = seal(store.location, Secret("key")).text
    with web_server(posts) as port:
        hook(port, sealed_secret=sealed)
        put("a")
        Courier(store, clock).deliver("HOOK")
        hook(port, sealed_secret="gAAAA-not-ours")
        put("b")
        Courier(store, clock).deliver("HOOK")
        store.location.key.unlink()
        clock.seconds = 60
        Courier(store, clock).deliver("HOOK")
    assert len(posts.found) == 1
    assert "X-Greenwall-Signature" in posts.found[0][1]
    with reading(store) as session:
        assert "GWL0333" in deliveries.list_deliveries(session)[0].error


def test_what_a_channel_raises_that_is_not_foreseen_is_a_failure(store, clock, hook, caplog):
    hook(1)
    with transaction(store) as session:
        deliveries.put(session, delivery_id="x", alert="A", destination="HOOK", payload="{}", at=at(0))
    Courier(store, clock).deliver("HOOK")
    assert state(store) == [("x", Delivered.WAITING, 1)]
    assert "GWL0927" in caplog.text


def test_ended_deliveries_are_kept_up_to_a_bound(store, clock, hook, put, monkeypatch):
    monkeypatch.setattr(deliveries, "_MOST_KEPT", 2)
    with web_server(Posts()) as port:
        hook(port)
        put(*"abcd")
        Courier(store, clock).deliver("HOOK")
    assert [name for name, _, _ in state(store)] == ["c", "d"]


def test_clock_that_is_set_back_does_not_hold_deliveries_up(store, clock, hook, put):
    posts = Posts()
    hook(free_port())
    clock.seconds = 10 * 86400
    put("a", seconds=clock.seconds)
    courier = Courier(store, clock)
    courier.deliver("HOOK")
    clock.seconds = 0
    with web_server(posts) as port:
        hook(port)
        assert courier.due() == ["HOOK"]
        courier.deliver("HOOK")
    assert [body["id"] for body in posts.bodies()] == ["a"]
