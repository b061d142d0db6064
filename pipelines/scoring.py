"""Scores a matrix and attaches to its riskiest rows what raises and what lowers their risk."""

import numpy as np
import pandas as pd

from models.arrays import Floats, Matrix
from models.churn import ChurnModel
from models.explain import Reasons, by_driver, protective, top_reasons
from pipelines.settings import Attribute, Settings

_PROFILE = "profile"
_LONGEST_NAME = 60


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
        **_profile(settings, scored, model, contributions),
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
    settings: Settings, scored: pd.DataFrame, model: ChurnModel, contributions: Floats
) -> dict[str, np.ndarray]:
    """For driver ``profile``: the attribute that says most for what the driver does in each row.

    Where the attributes together raise the risk it is the one that raises it most, where they
    lower it the one that lowers it most.
    """
    positions = [i for i, c in enumerate(model.spec.columns) if c.driver == _PROFILE]
    if not positions:
        return {}
    given = contributions[:, positions]
    strongest = (given * np.sign(given.sum(axis=1, keepdims=True))).argmax(axis=1)
    names, values = np.full((2, len(given)), "", dtype=object)
    for number, position in enumerate(positions):
        rows, column = strongest == number, model.spec.names[position]
        key = column.removeprefix("attr_")
        attribute = settings.sources["customers"].attributes[key]
        names[rows] = _name(key, attribute)
        values[rows] = _shown(scored[column].iloc[: len(given)][rows], attribute)
    return {"profile_name": names, "profile_value": values}


def _name(key: str, attribute: Attribute) -> str:
    doc = attribute.doc.rstrip(".")
    return doc if 0 < len(doc) <= _LONGEST_NAME else key.replace("_", " ").capitalize()


def _shown(values: "pd.Series[float] | pd.Series[str]", attribute: Attribute) -> np.ndarray:
    """Values as text, the same in every language: ISO dates, few decimals, the unit."""
    known = values.notna().to_numpy(dtype=bool)
    if attribute.type == "category":
        shown = values.astype(str).to_numpy(dtype=object)
    elif attribute.as_days:
        days = values.fillna(0).to_numpy(dtype="int64").astype("datetime64[D]")
        shown = np.datetime_as_string(days).astype(object)
    else:
        unit = _unit(attribute)
        figures = values.to_numpy(dtype="float64").tolist()
        shown = np.array([f"{_figure(figure)}{unit}" for figure in figures], dtype=object)
    return np.where(known, shown, "")


def _figure(value: float) -> str:
    decimals = 2 if abs(value) >= 1 else 4
    return np.format_float_positional(value, precision=decimals, trim="-")


def _unit(attribute: Attribute) -> str:
    unit = attribute.unit
    told = unit in ("", "count") or unit.lower() in attribute.doc.lower()
    return "" if told else f" {unit}"
