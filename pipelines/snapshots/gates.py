"""Data-quality gates: a figure outside its band, or a refused table, stops the run.

Each figure is compared with the snapshot before, which was let through itself, with what the
champion learned from when there is none, or with the table's own past.
"""

from collections.abc import Callable, Iterable

from features.errors import ContractError, GateError
from pipelines.runtime.run_record import Gate, RunRecord
from pipelines.snapshots.facts import Snapshot
from pipelines.snapshots.gate_measures import Measure
from pipelines.snapshots.writing_tables import WrittenTables


def record_gates(
    measures: Iterable[Measure],
    before: Snapshot | None,
    record: RunRecord,
    page: str,
    *,
    accept: bool,
) -> tuple[Gate, ...]:
    """Note each figure as a gate of ``record`` and return them.

    A closed gate on a table's own figure that a person let through in ``before`` stays so. Raises
    ``GateError`` for any other one, unless it is let through now.
    """
    start, measures = len(record.gates), tuple(measures)
    for measure in measures:
        record.gate(measure.name, measure.value, measure.low, measure.high)
    gates = tuple(record.gates[start:])
    earlier = () if before is None else before.gates
    through = {(gate.name, gate.value) for gate in earlier if not gate.passed}
    closed = [
        (gate, measure.detail)
        for gate, measure in zip(gates, measures, strict=True)
        if not gate.passed and not (measure.own and (gate.name, gate.value) in through)
    ]
    if closed and not accept:
        lines = "".join(f"\n  {_line(gate, detail)}" for gate, detail in closed)
        raise GateError(
            f"the tables are not as they used to be:{lines}\nThe last snapshot and publication "
            f"stand. Look at {page} (stille check writes it). If the export is wrong, mend it and "
            "run again; if it is right, say so: stille check --accept. A band that is too narrow "
            "for good is changed under quality in the configuration."
        )
    record.notes += [f"let through by a person: {gate.name}" for gate, _ in closed]
    return gates


def _line(gate: Gate, detail: str) -> str:
    value = "unknown" if gate.value is None else f"{gate.value:.4g}"
    low = "" if gate.low is None else f"at least {gate.low:.4g}"
    high = "" if gate.high is None else f"at most {gate.high:.4g}"
    band = " and ".join(filter(None, (low, high)))
    return f"{gate.name}: {value} ({band}){f'; {detail}' if detail else ''}"


Judge = Callable[[WrittenTables], tuple[Gate, ...]]


def decide(judge: Judge, tables: WrittenTables) -> tuple[Gate, ...]:
    """The gates of the tables; raises what ``judge`` raises.

    Raises ``ContractError`` when a table is refused, telling also of the gates then.
    """
    refusals = tables.refusals
    if not refusals:
        return judge(tables)
    cause: GateError | None = None
    try:
        judge(tables)
    except GateError as error:
        cause = error
    messages = [str(error) for error in refusals.values()]
    if len(refusals) > 1:
        messages = [f"{len(refusals)} tables are refused: {', '.join(refusals)}", *messages]
    if not tables.customers_known:
        messages.append(
            "As the customers could not be read, nobody's id was looked up: rows of other tables "
            "that belong to no customer are not counted."
        )
    raise ContractError("\n\n".join([*messages, *([str(cause)] if cause else [])])) from cause
