"""Training of the uplift model on past lists; the nights use it as far as it is proven.

Until arms have been measured, risk ranks, as an unproven ranking by effect may do harm.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from features.errors import ModelError
from models.causal.policy_value import UpliftEvaluation, evaluate_uplift
from models.causal.sleeping_dogs import asleep, facts_of_sleep
from models.causal.uplift import UpliftData, fit_uplift
from models.dataset.feature_spec import FeatureSpec
from models.metrics.profit import Economics
from pipelines.config.economics import actions_with_offer
from pipelines.config.run import Run
from pipelines.matrices.build import MatrixJob, built_matrix, catalog_of
from pipelines.matrices.files import read_matrix
from pipelines.publication.reader import newest_publications
from pipelines.scoring import uplift
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import resolve_champion

_FEWEST, _LOT_WEIGHT = 100, 50
_KEYS = ["customer_id", "as_of"]
_LISTED = [
    *("product_line", "churn_probability", "value_at_risk", "suggested_action"),
    *("lane", "lane_rule"),
]


def train_uplift_model(
    run: Run, snapshot: Snapshot, assigned: pd.DataFrame
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
        offers=rows["suggested_action"].isin(actions_with_offer()).to_numpy(dtype=bool),
        treat=rows["treat"].to_numpy(dtype=bool),
        left=rows["left"].to_numpy(dtype=bool),
        share=(treated / (month.transform("size") + _LOT_WEIGHT)).to_numpy(dtype=np.float64),
    )


def could_be_called(out: Path, assigned: pd.DataFrame) -> pd.DataFrame:
    """Who was called, held out or left for want of time on the days of ``assigned``.

    ``_LISTED`` as published, with ``lane`` call, holdout or capacity; ``treat`` and ``left`` of the
    assigned, null for the others. Only who has a probability and a value.
    """
    days = set(assigned["assigned_on"].dt.date)
    parts = [pd.DataFrame(columns=[*_KEYS, *_LISTED])]
    for each in newest_publications(out):
        if each.as_of in days:
            path = each.folder / "risk_list.parquet"
            there = [n for n in pq.read_schema(path).names if n in (_KEYS[0], *_LISTED)]
            parts.append(pd.read_parquet(path, columns=there).assign(as_of=each.as_of))
    rows = pd.concat(parts)
    numbers = rows[["churn_probability", "value_at_risk"]].astype("float64")
    lane = rows["lane_rule"].fillna(rows["lane"])
    could = lane.isin(["call", "holdout", "capacity"]) & (numbers > 0).all(axis=1)
    arms = assigned.rename(columns={"assigned_on": "as_of"}).astype({"customer_id": "str"})
    rows = rows.assign(**numbers, lane=lane, as_of=rows["as_of"].astype("datetime64[s]"))[could]
    return rows.merge(arms[[*_KEYS, "treat", "left"]], on=_KEYS, how="left")


def with_features(
    run: Run, snapshot: Snapshot, rows: pd.DataFrame, names: Sequence[str]
) -> pd.DataFrame:
    """``rows`` beside the features ``names`` that can be built, sorted by customer and day.

    The matrix of all customers on all days may be large, so it is read part by part.
    """
    catalog = catalog_of(run.settings.sources, snapshot)
    columns = [*_KEYS, *(f.name for f in catalog.features if f.name in set(names))]
    days = tuple(day.date() for day in sorted(rows["as_of"].unique()))
    found = [rows.head(0)]
    job = MatrixJob(catalog, days)
    with built_matrix(run, snapshot, job) if days else nullcontext(()) as parts:
        for part in parts:
            matrix = read_matrix([part], columns)
            matrix["as_of"] = matrix["as_of"].astype("datetime64[s]")
            found.append(rows.merge(matrix, on=_KEYS))
    return pd.concat(found).sort_values(_KEYS, ignore_index=True)
