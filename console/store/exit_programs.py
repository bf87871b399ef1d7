"""The exit programs of the pending policy: read, add, remove. Values arrive checked and canonical."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import delete
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.model.pending import PendingExitProgram
from console.model.words import ExitPoint
from console.policy.exit_programs import FIRST_NUMBER, LAST_NUMBER
from console.policy.rule import ExitProgram


def list_exit_programs(session: Session, exit_point: ExitPoint | None = None) -> list[ExitProgram]:
    """Return the pending exit programs in the order in which they are asked, of one exit point or of all."""
    query = select(PendingExitProgram).order_by(col(PendingExitProgram.exit_point), col(PendingExitProgram.number))
    if exit_point is not None:
        query = query.where(col(PendingExitProgram.exit_point) == exit_point)
    return [ExitProgram(**row.model_dump()) for row in session.exec(query)]


def get_exit_program(session: Session, exit_point: ExitPoint, number: int) -> ExitProgram:
    """Return a pending exit program.

    Raises:
        StoreError: There is no such exit program.
    """
    return ExitProgram(**_row(session, exit_point, number).model_dump())


def lowest_number(session: Session, exit_point: ExitPoint) -> int:
    """Return the lowest number of an exit point that is free."""
    return _first_free(session, exit_point, range(FIRST_NUMBER, LAST_NUMBER + 1))


def highest_number(session: Session, exit_point: ExitPoint) -> int:
    """Return the highest number of an exit point that is free."""
    return _first_free(session, exit_point, range(LAST_NUMBER, FIRST_NUMBER - 1, -1))


def _first_free(session: Session, exit_point: ExitPoint, numbers: range) -> int:
    taken = {program.number for program in list_exit_programs(session, exit_point)}
    return next(number for number in numbers if number not in taken)


def add_exit_program(session: Session, program: ExitProgram) -> None:
    """Add an exit program to the pending policy.

    Raises:
        StoreError: There is one with its number.
    """
    if session.get(PendingExitProgram, (program.exit_point, program.number)) is not None:
        raise StoreError("GWL0327", exit_point=program.exit_point, number=program.number)
    session.add(_new_row(program))
    session.flush()


def change_exit_program(session: Session, program: ExitProgram) -> None:
    """Replace the pending exit program that has the same exit point and number.

    Raises:
        StoreError: There is no such exit program.
    """
    _row(session, program.exit_point, program.number)
    session.merge(_new_row(program))
    session.flush()


def remove_exit_program(session: Session, exit_point: ExitPoint, number: int) -> None:
    """Remove an exit program from the pending policy.

    Raises:
        StoreError: There is no such exit program.
    """
    session.delete(_row(session, exit_point, number))
    session.flush()


def replace_exit_programs(session: Session, programs: Iterable[ExitProgram]) -> None:
    """Make these the pending exit programs."""
    session.execute(delete(PendingExitProgram), execution_options={"synchronize_session": "fetch"})
    session.add_all(_new_row(program) for program in programs)
    session.flush()


def _row(session: Session, exit_point: ExitPoint, number: int) -> PendingExitProgram:
    row = session.get(PendingExitProgram, (exit_point, number))
    if row is None:
        raise StoreError("GWL0328", exit_point=exit_point, number=number)
    return row


def _new_row(program: ExitProgram) -> PendingExitProgram:
    return PendingExitProgram.model_validate(asdict(program))
