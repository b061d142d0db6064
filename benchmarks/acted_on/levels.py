"""What is learned and recalibrated while the riskiest are called, where calls do nothing.

The company calls its riskiest customers at the start of each month, a tenth of the households held
out. As calls change nothing, all rows together, treated or not, say what happens to customers left
alone: that is the yardstick.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from benchmarks import companies
from benchmarks.acted_on.world import FOLDER
from benchmarks.models.keeping import Row
from models.calibration.open_windows import fit_level_shift
from models.churn.fit import fit
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats
from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.compare import chance_of_notice
from pipelines.simulator.options import COMPANIES, OwnList
from pipelines.simulator.simulate import simulate
from pipelines.training.evaluation import recipe_of
from pipelines.training.examples import leave_out_treated, make_examples

CUSTOMERS, MONTHS, KNOWN_BEFORE = 8_000, 34, date(2024, 11, 1)
NEWER_MONTHS = 4
_NOBODY_RESPONDS = {"persuadable": 0.0, "sure": 1.0, "lost": 0.0, "sleeping_dog": 0.0}


def levels(company: str, share: float, seed: int) -> Row:
    """One company of which a ``share`` is listed each month.

    ``treated``: share of the labelled rows that were treated. ``level`` and ``top``: mean
    probability by the rows that are learned from, over that by all rows, of everybody and of the
    tenth whose true chance is highest; ``dropped_level`` and ``dropped_top``: the same where the
    treated are only left out. ``moved``: by how many log-odds those of the newest months move a
    level beyond what all rows do; ``dropped``: the same where the treated are only left out.
    """
    settings = companies.demo_settings(FOLDER / f"levels-{company}-{share:g}-{seed}", _document)
    dials = replace(
        COMPANIES[company],
        types=_NOBODY_RESPONDS,
        own_list=OwnList(share, 0.1),
        bursts=0.0,
        win_backs=0.0,
    )
    if not (settings.paths.data / "truth").is_dir():
        simulate(settings.paths.data, customers=CUSTOMERS, months=MONTHS, seed=seed, dials=dials)
    run = Run(settings, KNOWN_BEFORE, RunRecord("levels", "train", ""))
    prepared = make_examples(run, companies.Company(settings, KNOWN_BEFORE).snapshot)
    every, exposure = prepared.examples, prepared.exposure
    if exposure is None:
        raise SystemExit("the simulated company reports no treatments")
    weighted, feedback = leave_out_treated(run, prepared)
    months = np.unique(every.as_of)
    older, newer = every.as_of < months[-NEWER_MONTHS], every.as_of >= months[-NEWER_MONTHS]
    truth = _fit(settings, every.take(older))
    used = weighted.examples
    learned = _fit(settings, used.take(used.as_of < months[-NEWER_MONTHS]))
    days = settings.label.lead_days + settings.label.horizon_days
    treated = exposure.treated_after < exposure.until(days)
    dropped = _fit(settings, every.take(older & ~treated))
    test = every.take(newer)
    p, ours, left = (_chances(model, test) for model in (truth, learned, dropped))
    top = _riskiest_by_the_truth(settings, test)
    alone, all_rows = every.take(newer & ~treated), _shift(truth, test)
    return {
        "treated": _treated(feedback, len(every)),
        "level": float(ours.mean() / p.mean()),
        "top": float(ours[top].mean() / p[top].mean()),
        "dropped_level": float(left.mean() / p.mean()),
        "dropped_top": float(left[top].mean() / p[top].mean()),
        "moved": _shift(truth, used.take(used.as_of >= months[-NEWER_MONTHS])) - all_rows,
        "dropped": _shift(truth, alone) - all_rows,
    }


def _document(document: companies.Document) -> None:
    document["label"].pop("horizons")
    document["training"]["seeds"] = 1
    document["engine"]["threads"] = 1
    document["quality"] = {"learned_days": False}


def _fit(settings: Settings, rows: Examples) -> ChurnModel:
    return fit(rows, recipe_of(settings, len(rows)))[0]


def _chances(model: ChurnModel, rows: Examples) -> Floats:
    return model.probability(rows.x, rows.product_line, 1)


def _riskiest_by_the_truth(settings: Settings, rows: Examples) -> np.ndarray:
    """The tenth with the highest chance of a notice in the label window, had nobody called."""
    nights = pd.read_parquet(settings.paths.data / "truth" / "responses.parquet")
    nights["month"] = pd.to_datetime(nights["month"])
    hazards = nights.set_index(["customer_id", "month"])["hazard_untouched"]
    keys = pd.DataFrame({"customer_id": rows.customer_id, "month": pd.to_datetime(rows.as_of)})
    label = settings.label
    window = label.lead_days, label.lead_days + label.horizon_days
    chance = chance_of_notice(hazards, keys, window)
    return chance >= np.quantile(chance, 0.9)


def _shift(model: ChurnModel, rows: Examples) -> float:
    z = model.calibration.log_odds(model.raw(rows.x, 1), rows.product_line)
    return fit_level_shift(z, rows.y, np.ones(len(rows)))


def _treated(feedback: Mapping[str, bytes], rows: int) -> float:
    return float(json.loads(feedback["feedback.json"])["treated"]) / rows if feedback else 0.0
