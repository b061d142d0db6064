"""Treated rows: left out, and weighted for, in all that learns or judges.

A saved customer counts as a stayer, so learning from the treated teaches that high risk is low.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from models.causal.treated_rows import UntreatedRows, select_untreated
from models.dataset.exposure import MOST_WEIGHT, Exposure
from pipelines.config.run import Run
from pipelines.training.examples import TrainingData


def leave_out_treated(run: Run, prepared: TrainingData) -> tuple[TrainingData, Mapping[str, bytes]]:
    """The examples to learn from and be evaluated on, and ``feedback.json`` for MLflow.

    Raises ``GateError`` when too few leavers were left alone.
    """
    label, exposure, examples = run.settings.label, prepared.exposure, prepared.examples
    ignored = run.settings.training.feedback == "ignore"
    if ignored and prepared.histories is not None:
        untreated = Exposure.untreated(prepared.histories.ended_after)
        prepared = replace(prepared, histories=replace(prepared.histories, exposure=untreated))
    days = label.lead_days + label.horizon_days
    if exposure is None or not (exposure.treated_after < exposure.until(days)).any():
        return prepared, {}
    if ignored:
        run.record.notes.append(
            "treated customers are learned from as if nothing had been done (training.feedback)"
        )
        return prepared, {}
    rows = select_untreated(exposure, days, examples.y)
    run.record.notes += _notes(rows, len(examples))
    prepared = replace(prepared, examples=examples.take(rows.rows), exposure=None)
    facts = {name: value for name, value in asdict(rows).items() if name != "rows"}
    return prepared, {"feedback.json": json.dumps(facts, indent=1).encode()}


def _notes(rows: UntreatedRows, total: int) -> list[str]:
    notes = [
        f"{rows.treated} of {total} labelled rows were treated before their outcome was known and "
        f"are left out; {rows.held_out} were held out and count {rows.held_out_weight:.1f} times "
        f"each (at most {rows.largest_weight:.1f}). What remains says as much as "
        f"{rows.effective_rows:.0f} rows and {rows.effective_leavers:.0f} leavers."
    ]
    if rows.without_lot:
        notes.append(
            f"{rows.without_lot} of them were treated where no lot held anybody out: the others "
            "are weighted by what the tables showed each month, which misses who got worse within "
            "one and was treated at once. Hold some out (list.holdout_share)."
        )
    if rows.largest_weight >= MOST_WEIGHT:
        notes.append(
            f"a weight reached {MOST_WEIGHT:.0f}, the most that one row may count: hold out more."
        )
    return notes
