"""Treated rows: exclusion, with weighting by propensity, of customers treated since the as-of date.

A saved customer counts as a stayer, so learning from the treated teaches that high risk is low.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np

from models.causal.propensity import treatment_bands
from models.causal.treated_rows import MOST_WEIGHT, UnconfoundedRows, select_untreated
from models.dataset.histories import NEVER
from pipelines.config.run import Run
from pipelines.training.examples import TrainingData


def leave_out_treated(run: Run, prepared: TrainingData) -> tuple[TrainingData, Mapping[str, bytes]]:
    """The examples to learn from and be evaluated on, and ``feedback.json`` for MLflow.

    Raises ``GateError`` when too few leavers were left alone.
    """
    how, exposure, examples = run.settings.training.feedback, prepared.exposure, prepared.examples
    if how == "ignore" and prepared.histories is not None:
        untreated = np.full(len(prepared.histories), NEVER)
        histories = replace(prepared.histories, treated_after=untreated)
        prepared = replace(prepared, histories=histories)
    if exposure is None or not exposure.treated.any():
        return prepared, {}
    bands = np.zeros(len(examples), dtype=np.int64)
    if how != "ignore":
        bands = treatment_bands(examples, exposure.treated, run.settings.engine.threads)
    rows = select_untreated(how, exposure, examples.y, examples.customer_id, bands)
    run.record.notes += _notes(rows, len(examples))
    if how != "ignore":
        prepared = replace(prepared, examples=examples.take(rows.rows), exposure=None)
    facts = {name: value for name, value in asdict(rows).items() if name != "rows"}
    return prepared, {"feedback.json": json.dumps(facts, indent=1).encode()}


def _notes(rows: UnconfoundedRows, total: int) -> list[str]:
    treatment = {
        "exclude_treated": "they are left out",
        "weight": "they are left out and the untreated count for them, up to "
        f"{rows.largest_weight:.1f} times",
        "ignore": "they are learned from as if nothing had been done (training.feedback)",
    }
    notes = [
        f"{rows.treated} of {total} labelled rows were treated before their outcome was known: "
        f"{treatment[rows.how]}; {rows.held_out} were held out. What remains says as much as "
        f"{rows.effective_rows:.0f} rows and {rows.effective_leavers:.0f} leavers."
    ]
    if rows.unmatched:
        notes.append(
            f"{rows.unmatched} rows are like customers who were all treated: nothing can be "
            "learned of them. Hold out some of those on the list."
        )
    if rows.largest_weight >= MOST_WEIGHT:
        notes.append(
            f"a weight reached {MOST_WEIGHT:.0f}, the most that one row may count: hold out more."
        )
    return notes
