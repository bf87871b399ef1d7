"""Row 2: how far a long turn has come, else what to warn of: exit points that refuse nothing, the worker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from console.clock import Clock
from console.messages import message
from console.model.words import ExitPoint, Mode
from console.policy.emergency import Emergency
from console.store.confirmation import waiting_confirmation
from console.store.emergencies import lasting_overrides
from console.store.engine import Store
from console.store.revisions import active_number, revision_policy
from console.store.session import reading
from console.store.worker_state import Health, WorkerState, health
from screens.progress import Progress

_NO_WORKER = "GWL0720"
_NO_WORKER_EITHER = "GWL0723"
"""The same in fewer words: the longest warning of all must leave the system's name on row 2."""
_STARTING = "GWL076B"
_SILENT = "GWL076C"
_BEHIND = "GWL076D"
_CONFIRM = "GWL076E"
_EMERGENCY = "GWL076F"
_MONITOR = "GWL0721"
_OFF = "GWL0722"


class Banner:
    """Asks the store what to warn of; reads a policy only when another revision is active.

    Threads:
        One call at a time.
    """

    def __init__(self, store: Store, clock: Clock, progress: Progress | None = None) -> None:
        self._progress = progress or Progress()
        self._store = store
        self._clock = clock
        self._revision = 0
        self._until: datetime | None = None
        """When the active revision is taken back, if nobody confirms it, or when an emergency is over."""
        self._is_emergency = False
        self._overrides: dict[ExitPoint, Emergency] = {}
        self._modes: dict[ExitPoint, Mode] = {}

    def text(self) -> str:
        """Return how far a long turn has come, else the warning; empty for none.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._progress.text:
            return self._progress.text
        self._read_modes()
        warnings = []
        for mode, message_id in ((Mode.MONITOR, _MONITOR), (Mode.OFF, _OFF)):
            points = [point for point, active in self._modes.items() if active is mode and point not in self._overrides]
            if points:
                warnings.append(message(message_id, points=_listed(points)).text)
        if self._until is not None:
            warnings.insert(0, self._limited(self._until.astimezone()))
        found = _told(health(self._store, self._clock()), is_short=bool(warnings))
        return " ".join([found, *warnings] if found else warnings)

    def _limited(self, until: datetime) -> str:
        """Return what is in force for a while only; what rejects comes first, as the end may be cut."""
        if not self._is_emergency:
            return message(_CONFIRM, time=f"{until:%H:%M:%S}").text
        does = [
            f"{_listed(points)} {each}"
            for each in (Emergency.REJECT, Emergency.ALLOW)
            if (points := [point for point, now in self._overrides.items() if now is each])
        ]
        return message(_EMERGENCY, time=f"{until:%H:%M}", points="; ".join(does)).text

    def _read_modes(self) -> None:
        with reading(self._store) as session:
            waiting = waiting_confirmation(session)
            self._until = None if waiting is None else waiting.until
            self._is_emergency = waiting is not None and waiting.emergency
            number = active_number(session)
            if number != self._revision:
                self._modes = dict(revision_policy(session, number).modes)
                self._overrides = lasting_overrides(session)
                self._revision = number


def _listed(points: Iterable[ExitPoint]) -> str:
    """Return exit points in few words: row 2 has room for little more than three names."""
    named = sorted(points)
    return "all" if len(named) == len(ExitPoint) else ", ".join(point.value for point in named)


def _told(found: Health, *, is_short: bool) -> str:
    """Return what is to be said of the worker; empty when all is well."""
    match found.state:
        case None:
            return message(_NO_WORKER_EITHER if is_short else _NO_WORKER).text
        case WorkerState.STARTING:
            return message(_STARTING).text
        case WorkerState.SILENT if found.heard is not None:
            return message(_SILENT, time=f"{found.heard.astimezone():%H:%M:%S}").text
        case _:
            return message(_BEHIND, count=found.waiting).text if found.is_behind else ""
