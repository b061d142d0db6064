"""An experiment in the simulated company: a night on which the lot decides who is contacted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.company import CUSTOMER, PROBABILITY
from models.causal.qini import qini_curve
from models.causal.treatment_effect import Effect, RandomisedAssignments, measure_effects
from models.causal.uplift import (
    UpliftData,
    UpliftEvaluation,
    UpliftModel,
    evaluate_uplift,
    fit_uplift,
    unseen_effects,
)
from models.dataset.array_types import Floats
from models.dataset.feature_spec import FeatureSpec


@dataclass(frozen=True, slots=True)
class Pilot:
    """What the experiment showed: the effect, who responds, and Qini of the true effects."""

    customers: int
    effect: Effect
    judged: UpliftEvaluation
    best: float
    model: UpliftModel


def run(nights: pd.DataFrame, truth: pd.DataFrame, spec: FeatureSpec, held_out: float) -> Pilot:
    """Each customer's first of ``nights`` is drawn for contact or held out, and leaves by chance.

    ``truth`` has the chances of both. Nothing else of the truth is learned from.
    """
    rng = np.random.default_rng(17)
    first = ~nights[CUSTOMER].duplicated()
    rows, chances = nights[first].reset_index(drop=True), truth[first.to_numpy(dtype=bool)]
    treat = rng.random(len(rows)) >= held_out
    chance = np.where(treat, chances["contacted"], chances["alone"])
    left = rng.random(len(rows)) < chance
    ids = rows[CUSTOMER].to_numpy(dtype=object)
    p = rows[PROBABILITY].to_numpy(dtype=np.float64)
    trial = UpliftData(ids, spec.encode(rows), spec.names, spec.categories, p, treat, left)
    effects = unseen_effects(trial)
    kept: Floats = (chances["alone"] - chances["contacted"]).to_numpy(dtype=np.float64)
    return Pilot(
        customers=len(rows),
        effect=measure_effects(_assigned(rows, treat, left))[0],
        judged=evaluate_uplift(trial, effects),
        best=qini_curve(left, treat, kept).coefficient,
        model=fit_uplift(trial),
    )


def _assigned(rows: pd.DataFrame, treat: np.ndarray, left: np.ndarray) -> RandomisedAssignments:
    named = {"as_of": "assigned_on", PROBABILITY: "probability"}
    shared = rows[[CUSTOMER, "product_line", *named]].rename(columns=named)
    bands = pd.qcut(rows[PROBABILITY], 5, labels=False).astype("str")
    arm = np.where(treat, "treat", "holdout")
    none = dict.fromkeys(("household_id", "lane", "action"))
    return RandomisedAssignments.build(
        shared.assign(arm=arm, left=left, reached=treat, risk_band=bands, **none)
    )
