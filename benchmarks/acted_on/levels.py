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
from sklearn.metrics import roc_auc_score

from benchmarks import companies
from benchmarks.acted_on.world import FOLDER
from benchmarks.models.keeping import Row
from models.calibration.open_windows import fit_level_shift
from models.churn.fit import fit
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Mask
from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.environment import instant
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.compare import chance_of_notice
from pipelines.simulator.options import COMPANIES, OwnList
from pipelines.simulator.simulate import simulate
from pipelines.training.evaluation import recipe_of
from pipelines.training.examples import leave_out_treated, make_examples

CUSTOMERS, MONTHS, KNOWN_BEFORE = 24_000, 34, date(2024, 11, 1)
_NOBODY_RESPONDS = {"persuadable": 0.0, "sure": 1.0, "lost": 0.0, "sleeping_dog": 0.0}


def levels(company: str, share: float, seed: int) -> Row:
    """One company of which a ``share`` is listed each month.

    ``treated``: share of the labelled rows that were treated. Judged on a third of the customers of
    whom nothing is learned, all their rows: ``level`` and ``top``, mean probability over true
    chance, of everybody and of each model's own riskiest tenth, by the rows
    that are learned from over that by all rows. ``moved``: by how many log-odds the former move a
    level beyond what all rows do. ``auc``: what the model's ranking loses for want
    of the treated rows. With ``dropped_`` before it: where the treated are only left out.
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
    run = Run(settings, KNOWN_BEFORE, RunRecord("levels", "train", instant()))
    prepared = make_examples(run, companies.Company(settings, KNOWN_BEFORE).snapshot)
    every, exposure = prepared.examples, prepared.exposure
    if exposure is None:
        raise SystemExit("the simulated company reports no treatments")
    weighted, feedback = leave_out_treated(run, prepared)
    days = settings.label.lead_days + settings.label.horizon_days
    untreated = every.take(exposure.treated_after >= exposure.until(days))
    by_rows = {"": weighted.examples, "dropped_": untreated, "all": every}
    test = every.take(_judged(every))
    chance = _true_chance(settings, test)
    models = {name: _fit(settings, rows.take(~_judged(rows))) for name, rows in by_rows.items()}
    p = {name: model.probability(test.x, test.product_line, 1) for name, model in models.items()}
    top = {name: each >= np.quantile(each, 0.9) for name, each in p.items()}
    over = {name: each.mean() / chance.mean() for name, each in p.items()}
    over_top = {name: p[name][top[name]].mean() / chance[top[name]].mean() for name in p}
    auc = {name: roc_auc_score(test.y, each) for name, each in p.items()}
    moves = {
        name: _shift(models["all"], rows.take(_judged(rows))) for name, rows in by_rows.items()
    }
    found = {"treated": _treated(feedback, len(every))}
    for name in ("", "dropped_"):
        found |= {
            f"{name}level": float(over[name] / over["all"]),
            f"{name}top": float(over_top[name] / over_top["all"]),
            f"{name}moved": moves[name] - moves["all"],
            f"{name}auc": float(auc[name] - auc["all"]),
        }
    return found


def _document(document: companies.Document) -> None:
    document["label"].pop("horizons")
    document["training"]["seeds"] = 1
    document["engine"]["threads"] = 1
    document["quality"] = {"learned_days": False}


def _judged(rows: Examples) -> Mask:
    """The rows of a third of the customers."""
    return np.asarray(pd.util.hash_array(rows.customer_id) % 3 == 0)


def _fit(settings: Settings, rows: Examples) -> ChurnModel:
    return fit(rows, recipe_of(settings, len(rows)))[0]


def _true_chance(settings: Settings, rows: Examples) -> Floats:
    """Of a notice in the label window of each row (n,), had nobody called."""
    nights = pd.read_parquet(settings.paths.data / "truth" / "responses.parquet")
    nights["month"] = pd.to_datetime(nights["month"])
    hazards = nights.set_index(["customer_id", "month"])["hazard_untouched"]
    keys = pd.DataFrame({"customer_id": rows.customer_id, "month": pd.to_datetime(rows.as_of)})
    lead = settings.label.lead_days
    return chance_of_notice(hazards, keys, (lead, lead + settings.label.horizon_days))


def _shift(model: ChurnModel, rows: Examples) -> float:
    z = model.calibration.log_odds(model.raw(rows.x, 1), rows.product_line)
    return fit_level_shift(z, rows.y, np.ones(len(rows)))


def _treated(feedback: Mapping[str, bytes], rows: int) -> float:
    return float(json.loads(feedback["feedback.json"])["treated"]) / rows if feedback else 0.0
