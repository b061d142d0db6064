"""An experiment in the simulated company: a night on which the lot decides who is contacted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.company import CUSTOMER, PROBABILITY
from benchmarks.lists.worth import contact_worth
from models.causal.policy_value import UpliftEvaluation, evaluate_uplift
from models.causal.policy_value import first as called_first
from models.causal.treatment_effect import Effect, measure_effects, randomised_assignments
from models.causal.uplift import UpliftData, UpliftModel, fit_uplift
from models.dataset.array_types import Floats
from models.dataset.feature_spec import FeatureSpec
from models.metrics.profit import Economics

_DEPTH = 0.1


@dataclass(frozen=True, slots=True)
class Pilot:
    """What the experiment showed: the effect, who responds, and the value of the truth's best."""

    customers: int
    effect: Effect
    judged: UpliftEvaluation
    best: float
    model: UpliftModel


def run(
    nights: pd.DataFrame,
    truth: pd.DataFrame,
    spec: FeatureSpec,
    held_out: float,
    values: Floats,
    economics: Economics,
) -> Pilot:
    """Each customer's first of ``nights`` is drawn for contact or held out, and leaves by chance.

    ``truth`` has the chances of both. Nothing else of the truth is learned from. ``values`` are
    those of the nights' customers. Sleepers are drawn like everybody else.
    """
    rng = np.random.default_rng(17)
    first = ~nights[CUSTOMER].duplicated()
    rows, chances = nights[first].reset_index(drop=True), truth[first.to_numpy(dtype=bool)]
    treat = rng.random(len(rows)) >= held_out
    chance = np.where(treat, chances["contacted"], chances["alone"])
    left = rng.random(len(rows)) < chance
    ids = rows[CUSTOMER].to_numpy(dtype=object)
    value = values[first.to_numpy(dtype=bool)]
    trial = UpliftData(
        customer_id=ids,
        product_line=rows["product_line"].to_numpy(dtype=object),
        assigned_on=rows["as_of"].to_numpy().astype("datetime64[D]"),
        x=spec.encode(rows),
        names=spec.names,
        categories=spec.categories,
        p=rows[PROBABILITY].to_numpy(dtype=np.float64),
        value=value,
        treat=treat,
        left=left,
        share=np.full(len(rows), 1 - held_out),
        offers=np.ones(len(rows), dtype=bool),
    )
    fit = fit_uplift(trial, economics)
    brought = contact_worth(chances, value, economics)
    return Pilot(
        customers=len(rows),
        effect=measure_effects(_assigned(rows, treat, left))[0],
        judged=evaluate_uplift(trial, fit, economics, _DEPTH),
        best=float((brought * called_first(brought, _DEPTH, ids)).mean()),
        model=fit.model,
    )


def _assigned(rows: pd.DataFrame, treat: np.ndarray, left: np.ndarray) -> pd.DataFrame:
    shared = rows[[CUSTOMER, "product_line", "as_of"]].rename(columns={"as_of": "assigned_on"})
    bands = pd.qcut(rows[PROBABILITY], 5, labels=False).astype("str")
    arm = np.where(treat, "treat", "holdout")
    none = dict.fromkeys(("household_id", "lane", "action"))
    return randomised_assignments(
        shared.assign(arm=arm, left=left, reached=treat, risk_band=bands, **none)
    )
