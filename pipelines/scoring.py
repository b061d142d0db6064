"""Scores a matrix and attaches to its riskiest rows what raises and what lowers their risk."""

import numpy as np
import pandas as pd

from models.arrays import Floats, Matrix
from models.churn import ChurnModel
from models.explain import Reasons, by_driver, protective, top_reasons
from pipelines.settings import Settings

_PROFILE = "profile"


def score_rows(settings: Settings, model: ChurnModel, frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` (a matrix with facts) with ``churn_probability`` and the reasons' columns.

    Sorted by probability, highest first, ties by customer. Reasons are given to the first
    ``list.explained_rows`` rows, the others have null there: explaining costs far more than
    scoring.
    """
    x = model.spec.encode(frame)
    probability = model.probability(x, settings.engine.threads)
    order = np.lexsort((frame["customer_id"].to_numpy(dtype=object), -probability))
    scored = frame.iloc[order].reset_index(drop=True)
    scored["churn_probability"] = probability[order]
    top = x[order[: settings.list.explained_rows]]
    return _explained(scored, model, np.asfortranarray(top), settings)


def band_thresholds(settings: Settings, probability: "pd.Series[float]") -> dict[str, float]:
    """Lowest probability of each band, from the configured shares of the cohort."""
    bands = settings.list.bands
    shares = {"medium": bands.medium, "high": bands.high, "very_high": bands.very_high}
    return {
        name: round(float(probability.quantile(1 - share, interpolation="higher")), 6)
        for name, share in shares.items()
    }


def _explained(
    scored: pd.DataFrame, model: ChurnModel, top: Matrix, settings: Settings
) -> pd.DataFrame:
    contributions = model.contributions(top, settings.engine.threads)
    drivers = by_driver(contributions, model.spec)
    columns = {
        **_columns(top_reasons(drivers), "reason_{}"),
        **_profile(scored, model, contributions),
    }
    kept = protective(drivers)
    columns["protective_1_driver"] = kept.codes[:, 0]
    reasons = pd.DataFrame(columns, index=scored.index[: len(top)])
    texts = reasons.select_dtypes(exclude="number").columns
    reasons[texts] = reasons[texts].astype("str").replace("", pd.NA)
    return scored.join(reasons)


def _columns(reasons: Reasons, name: str) -> dict[str, np.ndarray]:
    columns = {}
    for i in range(reasons.codes.shape[1]):
        given = reasons.codes[:, i] != ""
        columns[f"{name.format(i + 1)}_driver"] = reasons.codes[:, i]
        columns[f"{name.format(i + 1)}_contribution"] = np.where(
            given, reasons.values[:, i], np.nan
        )
    return columns


def _profile(
    scored: pd.DataFrame, model: ChurnModel, contributions: Floats
) -> dict[str, np.ndarray]:
    """The attribute that says most about each row, for the sentences of driver ``profile``."""
    positions = [i for i, c in enumerate(model.spec.columns) if c.driver == _PROFILE]
    if not positions:
        return {}
    strongest = np.abs(contributions[:, positions]).argmax(axis=1)
    names = np.array([model.spec.names[i] for i in positions], dtype=object)[strongest]
    values = np.full(len(names), "", dtype=object)
    for name in np.unique(names):
        rows = names == name
        values[rows] = _shown(scored[name].iloc[: len(names)][rows])
    shown = np.array([name.removeprefix("attr_").replace("_", " ") for name in names], dtype=object)
    return {"profile_name": shown, "profile_value": values}


def _shown(values: "pd.Series[float] | pd.Series[str]") -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        return values.map(lambda v: "" if np.isnan(v) else f"{v:g}").to_numpy(dtype=object)
    return values.fillna("").astype(str).to_numpy(dtype=object)
