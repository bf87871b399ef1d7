"""Alerts and destinations as operators keep them, what is raised now, and how far the journal was looked at."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete
from sqlmodel import Session, col, select

from console.errors import AlertError
from console.model.alerts import Alert, AlertDelivery, AlertDestination, AlertPosition, AlertState, Delivered
from console.store.journal import last_number

MSGQ = "*MSGQ"
"""Among destinations: the message queue QSYSOPR, which need not be made."""


def list_alerts(session: Session) -> list[Alert]:
    """Return every alert, by name."""
    return list(session.exec(select(Alert).order_by(col(Alert.name))))


def active_alerts(session: Session) -> list[Alert]:
    """Return the alerts that are active, by name."""
    return list(session.exec(select(Alert).where(col(Alert.active)).order_by(col(Alert.name))))


def get_alert(session: Session, name: str) -> Alert:
    """Return an alert.

    Raises:
        AlertError: There is none of this name.
    """
    found = session.get(Alert, name)
    if found is None:
        raise AlertError("GWL0930", name=name)
    return found


def add_alert(session: Session, alert: Alert) -> None:
    """Add an alert.

    Raises:
        AlertError: There is one of this name, or it is to tell a destination that is not there.
    """
    if session.get(Alert, alert.name) is not None:
        raise AlertError("GWL0931", name=alert.name)
    _check_destinations(session, alert)
    session.add(alert)
    session.flush()


def change_alert(session: Session, alert: Alert) -> None:
    """Put an alert in the place of the one with its name; what was raised is forgotten.

    Raises:
        AlertError: It is to tell a destination that is not there.
    """
    _check_destinations(session, alert)
    session.merge(alert)
    forget_states(session, alert.name)
    session.flush()


def remove_alert(session: Session, name: str) -> None:
    """Remove an alert, and what it has raised; what is on its way to destinations is still delivered.

    Raises:
        AlertError: There is none of this name.
    """
    session.delete(get_alert(session, name))
    forget_states(session, name)
    session.flush()


def list_destinations(session: Session) -> list[AlertDestination]:
    """Return every destination, by name."""
    return list(session.exec(select(AlertDestination).order_by(col(AlertDestination.name))))


def get_destination(session: Session, name: str) -> AlertDestination:
    """Return a destination.

    Raises:
        AlertError: There is none of this name.
    """
    found = session.get(AlertDestination, name)
    if found is None:
        raise AlertError("GWL0932", name=name)
    return found


def add_destination(session: Session, destination: AlertDestination) -> None:
    """Add a destination.

    Raises:
        AlertError: There is one of this name.
    """
    if session.get(AlertDestination, destination.name) is not None:
        raise AlertError("GWL0933", name=destination.name)
    session.add(destination)
    session.flush()


def change_destination(session: Session, destination: AlertDestination) -> None:
    """Put a destination in the place of the one with its name."""
    session.merge(destination)
    session.flush()


def remove_destination(session: Session, name: str) -> None:
    """Remove a destination and what was still to be delivered to it.

    Raises:
        AlertError: There is none of this name, or alerts tell it.
    """
    destination = get_destination(session, name)
    users = [alert.name for alert in list_alerts(session) if name in alert.send_to.split()]
    if users:
        raise AlertError("GWL0934", name=name, alerts=", ".join(users))
    session.execute(
        delete(AlertDelivery).where(
            col(AlertDelivery.destination) == name, col(AlertDelivery.state) == Delivered.WAITING
        )
    )
    session.delete(destination)
    session.flush()


def list_states(session: Session, alert: str = "") -> list[AlertState]:
    """Return what is raised now, of one alert or of all, latest first."""
    query = select(AlertState).order_by(col(AlertState.raised_at).desc())
    return list(session.exec(query.where(col(AlertState.alert) == alert) if alert else query))


def get_state(session: Session, alert: str, key: str) -> AlertState | None:
    """Return what an alert has raised for a key."""
    return session.get(AlertState, (alert, key))


def put_states(session: Session, states: Sequence[AlertState]) -> None:
    """Write what is raised; each takes the place of the one with the same alert and key."""
    for each in states:
        session.merge(each)
    session.flush()


def drop_state(session: Session, alert: str, key: str) -> None:
    """Forget that an alert is raised for a key."""
    session.execute(delete(AlertState).where(col(AlertState.alert) == alert, col(AlertState.key) == key))


def forget_states(session: Session, alert: str) -> None:
    """Forget everything that an alert has raised."""
    session.execute(delete(AlertState).where(col(AlertState.alert) == alert))


def position(session: Session) -> int:
    """Return the highest sequence number that the alerts have seen, 0 for none.

    A position behind the end of the journal is none: somebody has written it there to have entries passed over, and
    they are looked at from the first on.
    """
    row = session.get(AlertPosition, 1)
    sound = row is not None and isinstance(row.number, int) and row.number <= last_number(session)
    return row.number if row is not None and sound else 0


def set_position(session: Session, number: int) -> None:
    """Record how far the journal was looked at."""
    session.merge(AlertPosition.model_validate({"id": 1, "number": number}))
    session.flush()


def _check_destinations(session: Session, alert: Alert) -> None:
    for name in alert.send_to.split():
        if name != MSGQ:
            get_destination(session, name)
