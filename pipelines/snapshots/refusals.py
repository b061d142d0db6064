"""All that is wrong with the tables, in one message: refused tables first, then stopped gates."""

from collections.abc import Callable, Mapping

from features.errors import ContractError, GateError
from pipelines.record import Gate
from pipelines.snapshots.taking import Taken

Judge = Callable[[Taken], tuple[Gate, ...]]


def judged(judge: Judge, taken: Taken) -> tuple[Gate, ...]:
    """The gates of the tables.

    Raises ``ContractError`` when a table is refused, telling also of the gates then, and what
    ``judge`` raises when none is.
    """
    try:
        gates = judge(taken)
    except GateError as error:
        if not taken.refusals:
            raise
        raise _together(taken.refusals, str(error)) from error
    if taken.refusals:
        raise _together(taken.refusals)
    return gates


def _together(refusals: Mapping[str, ContractError], gates: str = "") -> ContractError:
    told = [str(error) for error in refusals.values()]
    if len(refusals) > 1:
        told = [f"{len(refusals)} tables are refused: {', '.join(refusals)}", *told]
    if "customers" in refusals:
        told.append(
            "As the customers are refused, nobody's id was looked up: rows of the other tables "
            "that belong to no customer are not counted."
        )
    return ContractError("\n\n".join(filter(None, [*told, gates])))
