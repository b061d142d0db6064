"""Data-quality gates: a figure outside its band stops the run until a person looks.

Each figure is held against the snapshot before, which was let through itself, against what the
champion learned from when there is none, or against the table's own past.
"""

from collections.abc import Collection, Iterable
from datetime import date

from features.errors import GateError
from pipelines.config.settings import Settings
from pipelines.runtime.run_record import Gate, RunRecord
from pipelines.snapshots.facts import Snapshot
from pipelines.snapshots.gate_measure import NO_PREVIOUS_TABLES, Measure, PreviousTables, Tables
from pipelines.snapshots.gates_against_history import own_measures
from pipelines.snapshots.gates_against_previous import compared_measures


def measures(
    settings: Settings, as_of: date, now: Tables, known: PreviousTables = NO_PREVIOUS_TABLES
) -> list[Measure]:
    """Every figure of the tables that has a band."""
    quality, zone = settings.quality, settings.company.timezone
    return [*own_measures(quality, zone, as_of, now), *compared_measures(quality, now, known)]


def record_gates(
    found: Iterable[Measure],
    before: Snapshot | None,
    record: RunRecord,
    page: str,
    *,
    accept: bool,
) -> tuple[Gate, ...]:
    """Note each figure as a gate of ``record`` and return them.

    A closed gate on a table's own figure that a person let through in ``before`` stays let
    through. Raises ``GateError`` for any other one, unless it is let through now.
    """
    start, found = len(record.gates), tuple(found)
    for measure in found:
        record.gate(measure.name, measure.value, measure.low, measure.high)
    gates = tuple(record.gates[start:])
    through = _let_through(before)
    closed = [
        (gate, measure.detail)
        for gate, measure in zip(gates, found, strict=True)
        if not gate.passed and not (measure.own and (gate.name, gate.value) in through)
    ]
    if closed and not accept:
        raise _refusal(closed, page)
    record.notes += [f"let through by a person: {gate.name}" for gate, _ in closed]
    return gates


def _let_through(before: Snapshot | None) -> Collection[tuple[str, float | None]]:
    gates = () if before is None else before.gates
    return {(gate.name, gate.value) for gate in gates if not gate.passed}


def _refusal(closed: Iterable[tuple[Gate, str]], page: str) -> GateError:
    """What a person must look at, and how to let it through."""
    lines = "".join(f"\n  {_said(gate, detail)}" for gate, detail in closed)
    return GateError(
        f"the tables are not as they used to be:{lines}\nThe last snapshot and publication stand. "
        f"Look at {page} (stille check writes it). If the export is wrong, mend it and run again; "
        "if it is right, say so: stille check --accept. A band that is too narrow for good is "
        "changed under quality in the configuration."
    )


def _said(gate: Gate, detail: str) -> str:
    value = "unknown" if gate.value is None else f"{gate.value:.4g}"
    low = "" if gate.low is None else f"at least {gate.low:.4g}"
    high = "" if gate.high is None else f"at most {gate.high:.4g}"
    band = " and ".join(filter(None, (low, high)))
    return f"{gate.name}: {value} ({band}){f'; {detail}' if detail else ''}"
