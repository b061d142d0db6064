"""Training of the uplift model on past lists; the nights use it as far as it is proven.

Until arms have been measured, risk ranks, as an unproven ranking by effect may do harm.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.causal.policy_value import UpliftEvaluation, evaluate_uplift
from models.causal.sleeping_dogs import asleep, facts_of_sleep
from models.causal.treatment_effect import RandomisedAssignments
from models.causal.uplift import UpliftData, fit_uplift
from models.dataset.feature_spec import FeatureSpec
from models.metrics.profit import Economics
from pipelines.config.run import Run
from pipelines.effect.past_lists import could_be_called, with_features
from pipelines.scoring import uplift
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import resolve_champion

_FEWEST, _LOT_WEIGHT = 100, 50


def train_uplift_model(
    run: Run, snapshot: Snapshot, assigned: RandomisedAssignments
) -> UpliftEvaluation | None:
    """Learn who responds, and keep it for the nights or withdraw what they had before.

    Learned from the matrix of each assignment's day, and from the probability and the value that
    were published then. Who sleeps by ``list.peace.asleep_days`` is left out: the lists leave most
    of them in peace. None, with a note, where there is too little to learn from.
    """
    settings, record = run.settings, run.record
    section, days = settings.economics, settings.list.peace.asleep_days
    try:
        if section is None:
            raise ModelError("the nights take it up only where the configuration has economics")
        economics = Economics(**dict(section))
        if days is not None:
            economics = replace(economics, woken_share=0.0)  # The sleepers bear what is woken.
        with record.stage("uplift") as stage:
            spec = resolve_champion(run).model.spec
            listed = could_be_called(settings.paths.out, assigned)
            arms = listed.dropna(subset="treat").astype({"treat": bool, "left": bool})
            names = [*spec.names, *facts_of_sleep(days)]
            trial = trial_of(with_features(run, snapshot, arms, names), spec, days)
            stage.rows_in = stage.rows_out = len(trial.p)
            fit = fit_uplift(trial, economics, settings.engine.threads)
            depth = float(listed["lane"].ne("capacity").mean())
            judged = evaluate_uplift(trial, fit, economics, depth)
    except ModelError as error:
        record.notes.append(f"who responds was not learned: {error}")
        return None
    if judged.used:
        uplift.keep(settings.paths.uplift, replace(fit.model, asleep_days=days), spec)
    else:
        uplift.withdraw(settings.paths.uplift)
    return judged


def trial_of(rows: pd.DataFrame, spec: FeatureSpec, asleep_days: int | None) -> UpliftData:
    """The trial of the rows who are awake; raises ``ModelError`` where an arm has too few.

    Arms were drawn by one share for all, which may have been another in another month. A month of
    few draws on all: as if 50 more had been drawn in it.
    """
    rows = rows[~asleep(rows, rows["as_of"], asleep_days)]
    fewest = int(min(rows["treat"].sum(), (~rows["treat"]).sum()))
    if fewest < _FEWEST:
        raise ModelError(
            f"the smaller arm of the lists that published a value has {fewest} customers, and "
            f"{_FEWEST} are needed"
        )
    month = rows["treat"].astype("float64").groupby(rows["as_of"].dt.to_period("M"))
    treated = month.transform("sum") + _LOT_WEIGHT * rows["treat"].mean()
    p = rows["churn_probability"].to_numpy(dtype=np.float64)
    return UpliftData(
        customer_id=rows["customer_id"].to_numpy(dtype=object),
        product_line=rows["product_line"].to_numpy(dtype=object),
        assigned_on=rows["as_of"].to_numpy().astype("datetime64[D]"),
        x=spec.encode(rows),
        names=spec.names,
        categories=spec.categories,
        p=p,
        value=rows["value_at_risk"].to_numpy(dtype=np.float64) / p,
        treat=rows["treat"].to_numpy(dtype=bool),
        left=rows["left"].to_numpy(dtype=bool),
        share=(treated / (month.transform("size") + _LOT_WEIGHT)).to_numpy(dtype=np.float64),
    )
