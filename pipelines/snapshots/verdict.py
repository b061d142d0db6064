"""Verdict on the tables: every refused table, then every closed gate, in one message."""

from collections.abc import Callable

from features.errors import ContractError, GateError
from pipelines.runtime.run_record import Gate
from pipelines.snapshots.writing_tables import WrittenTables

Judge = Callable[[WrittenTables], tuple[Gate, ...]]


def decide(judge: Judge, taken: WrittenTables) -> tuple[Gate, ...]:
    """The gates of the tables.

    Raises ``ContractError`` when a table is refused, telling also of the gates then, and what
    ``judge`` raises when none is.
    """
    try:
        gates = judge(taken)
    except GateError as error:
        if not taken.refusals:
            raise
        raise _together(taken, str(error)) from error
    if taken.refusals:
        raise _together(taken)
    return gates


def _together(taken: WrittenTables, gates: str = "") -> ContractError:
    refusals = taken.refusals
    told = [str(error) for error in refusals.values()]
    if len(refusals) > 1:
        told = [f"{len(refusals)} tables are refused: {', '.join(refusals)}", *told]
    if not taken.customers_known:
        told.append(
            "As the customers could not be read, nobody's id was looked up: rows of other tables "
            "that belong to no customer are not counted."
        )
    return ContractError("\n\n".join(filter(None, [*told, gates])))
