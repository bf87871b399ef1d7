"""The worker's tasks for alerts: what nobody has thought of ends one delivery, and is not made again at once."""

from __future__ import annotations

import asyncio
import threading

from console.enforcement import pulse
from console.enforcement.alert_tasks import AlertTasks
from console.enforcement.pulse import Wake
from console.model.alerts import AlertDestination
from console.store import alerts as kept
from console.store import deliveries
from console.store.session import transaction
from tests.conftest import NOW


async def test_delivery_whose_row_is_damaged_is_said_and_not_made_again_at_once(store, monkeypatch, caplog):
    with transaction(store) as session:
        row = {"name": "HOOK", "channel": "*WEBHOOK", "target": "http://127.0.0.1:9/"}
        kept.change_destination(session, AlertDestination.model_validate(row))
        deliveries.put(session, delivery_id="x", alert="A", destination="HOOK", payload="{}", at=NOW)
        session.connection().exec_driver_sql("UPDATE alert_delivery SET tries = 'x'")
    monkeypatch.setattr(pulse, "LOOK_S", 0.01)
    failed = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    tasks = AlertTasks(store, lambda: NOW, "HERE")
    begun = []
    monkeypatch.setattr(tasks, "_courier", Counting(tasks._courier, begun))
    running = asyncio.ensure_future(tasks.deliver(Wake()))
    try:
        while caplog.text.count("GWL0927") < 1:  # noqa: ASYNC110 - said by another thread
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
    finally:
        running.cancel()
        tasks.close()
    assert begun == ["HOOK"]
    assert failed == []


class Counting:
    """A courier whose deliveries are counted."""

    def __init__(self, courier, begun):
        self.due = courier.due
        self.has_waiting = True
        self._courier = courier
        self._begun = begun

    def deliver(self, name):
        self._begun.append(name)
        self._courier.deliver(name)
