"""Driver-removal list: what removing each driver would be worth, for the whole company.

Figures are associations of the model, marked where an experiment has measured an action.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalog import Catalog
from features.feature import Feature
from models.arrays import Floats, Index, Matrix
from models.churn import ChurnModel
from models.examples import MARGIN
from models.removal import Removal, removals
from pipelines.effect import FOLDER
from pipelines.lists.actions import Actions, load_actions
from pipelines.lists.fields import CURRENCY, STAMP_FIELDS, Field
from pipelines.lists.manifest import Stamp
from pipelines.lists.rules import ACTIONS
from pipelines.lists.written import Lists, with_list
from pipelines.settings import Settings
from pipelines.worth import customer_values

CAUSES_NAME = "causes"
_VERSION = "1"
_LEVELS = ("family", "driver")
_EVIDENCE = ("association", "experiment")
_SAMPLE = 1_000
_CALM: Mapping[str, float] = {"ratio": 1.0, "flag": 0.0}
_ATTRIBUTE = "attr_"
_NOT_YET = "not_measurable_yet"
_NEED_ECONOMICS = ("value", "currency")

CAUSE_FIELDS = (
    *STAMP_FIELDS,
    Field("level", "text", "Driver family, or one driver.", required=True, allowed=_LEVELS),
    Field("cause", "text", "The family's or the driver's code.", required=True),
    Field("customers", "integer", "Customers whose risk would fall without it.", required=True),
    Field("leavers", "decimal", "Expected leavers fewer within the horizon.", required=True),
    Field("value", "amount", "Value of those leavers, at the low acquisition multiple."),
    CURRENCY,
    Field(
        "evidence",
        "text",
        "Association: what the model learned goes with leaving. Experiment: an action for this "
        "driver has been measured against a holdout too; the figures are the model's all the same.",
        required=True,
        allowed=_EVIDENCE,
    ),
)


def causes_of(
    settings: Settings, model: ChurnModel, catalog: Catalog, scored: pd.DataFrame
) -> tuple[Removal, ...]:
    """What removing each cause would be worth to the cohort ``scored``, a matrix in risk order.

    Worked out for about a thousand customers, evenly spread over all risks, who stand for all.
    """
    rows = scored.iloc[_spread(len(scored))]
    lines = rows["product_line"].to_numpy(dtype=object)
    margin = rows.reindex(columns=[MARGIN])[MARGIN].to_numpy(dtype="float64")
    values = customer_values(settings, margin)
    x = model.spec.encode(rows)

    def score(changed: Matrix, at: Index) -> Floats:
        return model.probability(changed, lines[at], settings.engine.threads)

    return removals(
        model.spec.columns,
        no_event(catalog.model_features),
        x,
        score,
        np.full(len(x), np.nan) if values is None else values[0],
        len(scored) / max(len(rows), 1),
    )


def no_event(features: Sequence[Feature]) -> dict[str, float]:
    """What each feature is when nothing happened: its fill, a ratio of 1, no flag, else unknown.

    A company's own attributes are no events.
    """
    return {
        f.name: _CALM.get(f.unit, np.nan) if f.fill is None else f.fill
        for f in features
        if not f.name.startswith(_ATTRIBUTE)
    }


def cause_rows(
    found: Sequence[Removal], stamp: Stamp, currency: str | None, experiments: Collection[str]
) -> pd.DataFrame:
    """The list's rows; ``experiments`` are drivers with an action that was measured."""
    rows = pd.DataFrame(
        {
            "level": [each.level for each in found],
            "cause": [each.name for each in found],
            "customers": [round(each.customers) for each in found],
            "leavers": [each.leavers for each in found],
            "value": [each.value for each in found],
            "evidence": [_EVIDENCE[each.name in experiments] for each in found],
        }
    )
    return rows.assign(
        schema_version=_VERSION,
        run_id=stamp.run_id,
        as_of_date=pd.Timestamp(stamp.as_of),
        currency=pd.Series(currency, index=rows.index, dtype="str"),
    )


def write_causes(settings: Settings, found: Sequence[Removal], lists: Lists, folder: Path) -> Lists:
    """Write ``causes`` beside the lists, families first, each level by leavers."""
    known = settings.economics is not None
    drivers = measured_drivers(settings.paths.var, lists.stamp.as_of, load_actions(ACTIONS))
    currency = settings.company.currency if known else None
    rows = cause_rows(found, lists.stamp, currency, drivers)
    fields = tuple(f for f in CAUSE_FIELDS if known or f.name not in _NEED_ECONOMICS)
    return with_list(lists, rows, fields, settings, folder, CAUSES_NAME)


def _spread(rows: int) -> Index:
    if rows <= _SAMPLE:
        return np.arange(rows)
    return ((np.arange(_SAMPLE) + 0.5) * rows / _SAMPLE).astype(np.intp)


def measured_drivers(var: Path, as_of: date, rules: Actions) -> frozenset[str]:
    """Drivers whose rule names an action with a verdict in the newest measurement by ``as_of``."""
    files = [p for p in (var / FOLDER).glob("*.json") if p.stem <= as_of.isoformat()]
    if not files:
        return frozenset()
    effects = json.loads(max(files).read_bytes())["effects"]
    actions = {
        each["group"]
        for each in effects
        if each["kind"] == "action" and each["verdict"] != _NOT_YET
    }
    return frozenset(d for d, rule in rules.drivers.items() if actions & set(rule.actions))
