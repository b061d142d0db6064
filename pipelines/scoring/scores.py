"""Scoring of a matrix, reasons (SHAP) of its riskiest rows, and the risk without each driver.

Explaining costs far more than scoring, so only as many rows as a list needs are explained. The risk
without a driver is worked out with the scores, as it needs the matrix; the lists publish it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.catalog import Catalog
from features.feature import Feature
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Index
from models.dataset.examples import ASLEEP
from models.explain.driver_removal import Removal, removals
from models.explain.shap_values import protective, top_reasons
from pipelines.config.economics import contacts_of
from pipelines.config.lists import Bands
from pipelines.config.settings import Settings
from pipelines.config.sources import Attribute

Nameable = Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]

UPLIFT, REMAINS = "uplift", "remains"
_LONGEST_NAME = 60
_SAMPLE = 1_000
_CALM: Mapping[str, float] = {"ratio": 1.0, "flag": 0.0}
ATTRIBUTE = "attr_"


@dataclass(frozen=True, slots=True)
class OutcomeProbabilities:
    """Outcomes by horizon: ``incidence`` (n, len(horizons), 1 + causes), stayed first."""

    customer_id: "pd.Series[str]"
    incidence: Floats
    horizons: tuple[int, ...]
    causes: tuple[str, ...]

    def remaining(self, horizon_days: int) -> Floats:
        """Chance that no end but a notice comes within one of the horizons, (n,)."""
        kept = [True, *(cause == "voluntary" for cause in self.causes)]
        within = self.incidence[:, self.horizons.index(horizon_days)]
        return np.asarray(within[:, kept].sum(axis=1), dtype=np.float64)


def score_rows(
    settings: Settings, model: ChurnModel, frame: pd.DataFrame, nameable: Nameable | None = None
) -> pd.DataFrame:
    """``frame`` (a matrix with facts) with ``churn_probability`` and the reasons' columns.

    In ``risk_order``; the first ``list.explained_rows`` rows have ``reasons``, the others null.
    """
    x, lines = model.spec.encode(frame), frame["product_line"].to_numpy(dtype=object)
    p = model.probability(x, lines, settings.engine.threads)
    scored = frame.assign(churn_probability=p)
    scored = scored.iloc[risk_order(scored)].reset_index(drop=True)
    top = scored.iloc[: settings.list.explained_rows]
    return scored.join(reasons(settings, model, top, nameable))


def risk_order(scored: pd.DataFrame) -> Index:
    """Positions by ``churn_probability``, highest first, ties by ``customer_id``, (n,)."""
    ids, p = scored["customer_id"].to_numpy(dtype=object), scored["churn_probability"].to_numpy()
    return np.lexsort((ids, -p))


def outcome_horizons(settings: Settings, model: ChurnModel) -> tuple[int, ...]:
    """The configured horizons of which the model tells the outcomes."""
    fitted = model.incidence
    return tuple(days for days in settings.label.horizons if fitted and fitted.covers(days))


def evenly_spread(rows: int) -> Index:
    """About a thousand positions of ``rows`` in risk order, evenly spread over all risks."""
    size = min(rows, _SAMPLE)
    return np.asarray((np.arange(size) + 0.5) * rows / max(size, 1), dtype=np.intp)


def causes_of(
    settings: Settings,
    model: ChurnModel,
    catalog: Catalog,
    scored: pd.DataFrame,
    rows: pd.DataFrame,
    as_of: date,
) -> tuple[Removal, ...]:
    """What removing each cause would be worth to the cohort ``scored``, in risk order.

    Worked out for ``rows`` of the matrix, those at ``evenly_spread``, who stand for all.
    """
    lines = rows["product_line"].to_numpy(dtype=object)
    p = scored["churn_probability"].to_numpy(dtype="float64")
    # A customer is worth the same, asleep or not: only what a contact does differs.
    contacts = contacts_of(settings, scored.assign(**{ASLEEP: False}), p, as_of)
    value = np.full(len(p), np.nan) if contacts is None else contacts[0].value
    return removals(
        model.spec.columns,
        no_event(catalog.model_features),
        model.spec.encode(rows),
        lambda changed, at: model.probability(changed, lines[at], settings.engine.threads),
        value[evenly_spread(len(scored))],
        len(scored) / max(len(rows), 1),
    )


def no_event(features: Sequence[Feature]) -> dict[str, float]:
    """What each feature is when nothing happened: its fill, a ratio of 1, no flag, else unknown.

    A company's own attributes are no events.
    """
    return {
        f.name: _CALM.get(f.unit, np.nan) if f.fill is None else f.fill
        for f in features
        if not f.name.startswith(ATTRIBUTE)
    }


def band_thresholds(bands: Bands, probability: "pd.Series[float]") -> dict[str, float]:
    """Lowest probability of each band, from the configured shares of the cohort."""
    shares = {"medium": bands.medium, "high": bands.high, "very_high": bands.very_high}
    return {
        name: round(float(probability.quantile(1 - share, interpolation="higher")), 6)
        for name, share in shares.items()
    }


def reasons(
    settings: Settings, model: ChurnModel, rows: pd.DataFrame, nameable: Nameable | None = None
) -> pd.DataFrame:
    """The reasons' columns of ``rows`` (of a matrix with facts), with their index.

    ``nameable`` says of rows with facts what can be a reason and what can protect, as
    ``top_reasons`` takes it; without it everything can. A company's own attribute is a reason by
    itself: ``<slot>_feature``, ``_attribute`` and ``_value`` name it.
    """
    top, lines = model.spec.encode(rows), rows["product_line"].to_numpy(dtype=object)
    contributions = model.contributions(top, lines, settings.engine.threads)
    raises, lowers = nameable(rows) if nameable else (None, None)
    attributes = settings.sources["customers"].attributes
    own = [name for name in model.spec.names if name.startswith(ATTRIBUTE)]
    raising = top_reasons(contributions, model.spec, nameable=raises, alone=own)
    lowering = protective(contributions, model.spec, lowers, own)
    columns: dict[str, np.ndarray] = {}
    slots = [(f"reason_{i + 1}", raising, i) for i in range(raising.codes.shape[1])]
    for slot, reasons, i in (*slots, ("protective_1", lowering, 0)):
        codes, features = reasons.codes[:, i], reasons.features[:, i]
        columns |= {f"{slot}_driver": codes, f"{slot}_feature": features}
        if reasons is raising:
            columns[f"{slot}_contribution"] = np.where(codes != "", reasons.values[:, i], np.nan)
        names, values = np.full((2, len(codes)), "", dtype=object)
        for name in np.unique(features[features != ""]):
            here, attribute = features == name, attributes[name.removeprefix(ATTRIBUTE)]
            names[here] = attribute_name(name.removeprefix(ATTRIBUTE), attribute)
            values[here] = attribute_text(rows[name][here], attribute)
        columns |= {f"{slot}_attribute": names, f"{slot}_value": values}
    told = pd.DataFrame(columns, index=rows.index)
    texts = told.select_dtypes(exclude="number").columns
    told[texts] = told[texts].astype("str").replace("", pd.NA)
    return told


def attribute_name(key: str, attribute: Attribute) -> str:
    """What people call an attribute: its short description, or its key in words."""
    doc = attribute.doc.rstrip(".")
    return doc if 0 < len(doc) <= _LONGEST_NAME else key.replace("_", " ").capitalize()


def attribute_text(values: "pd.Series[float] | pd.Series[str]", attribute: Attribute) -> np.ndarray:
    """Values as text, the same in every language: ISO dates, few decimals, the unit."""
    known = values.notna().to_numpy(dtype=bool)
    if attribute.type == "category":
        texts = values.astype(str).to_numpy(dtype=object)
    elif attribute.as_days:
        days = values.fillna(0).to_numpy(dtype="int64").astype("datetime64[D]")
        texts = np.datetime_as_string(days).astype(object)
    else:
        unit, written = attribute.unit, np.format_float_positional
        redundant = unit in ("", "count") or unit.lower() in attribute.doc.lower()
        figures = values.to_numpy(dtype="float64").tolist()
        plain = [written(n, precision=2 if abs(n) >= 1 else 4, trim="-") for n in figures]
        texts = np.array([n if redundant else f"{n} {unit}" for n in plain], dtype=object)
    return np.where(known, texts, "")
