"""Risk list: every scored customer with probability, band, rank and reasons.

Ranks and bands are of the published decimals, so that a reader can check them.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from features.errors import ConfigError, ContractError
from pipelines.lists.list_columns import ALL, BANDS, EMPTY_LEFT_OUT, FIELDS, REASONS, SCHEMA_VERSION
from pipelines.lists.templates import Direction, Templates, sentences
from pipelines.publication.manifest import DECIMALS, Field, Stamp
from pipelines.runtime.escaping import refuse_dangerous_ids

SLOTS: tuple[tuple[str, Direction], ...] = (
    *((f"reason_{number}", "raises") for number in range(1, REASONS + 1)),
    ("protective_1", "lowers"),
)
_COLD_START_DAYS = 90
_DTYPES = {"text": "category", "date": "datetime64[s]", "boolean": "boolean"}
_DTYPES |= dict.fromkeys(DECIMALS, "float64")
_IDS = ("customer_id", "open_case_id")


def ranked(scored: pd.DataFrame, stamp: Stamp) -> pd.DataFrame:
    """The rows in the order of the list, under their index, with its columns but for sentences.

    ``scored``: one row per customer with ``customer_id``, ``churn_probability`` (0 to 1),
    ``data_quality`` and other columns of the list. Bands and ranks are of the
    published six decimals; the bands above ``low`` begin at the thresholds of ``stamp``. Raises
    ``ContractError`` for an id that is null, repeated or a formula, ``ConfigError`` for
    thresholds that do not rise, ``ValueError`` for a probability outside 0 to 1.
    """
    thresholds = [*stamp.thresholds.values()]
    if (np.diff([0, *thresholds, 1]) <= 0).any():
        found = ", ".join(f"{name} {lowest}" for name, lowest in stamp.thresholds.items())
        raise ConfigError(f"list.bands must rise from above 0 to below 1: found {found}.")
    _refuse_ids(scored["customer_id"])
    probability = np.round(scored["churn_probability"].to_numpy(dtype="float64"), 6)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("churn_probability must be between 0 and 1 on every row")
    risks = pd.Series(probability, scored.index)
    told = {
        "schema_version": SCHEMA_VERSION,
        "run_id": stamp.run_id,
        "as_of_date": pd.Timestamp(stamp.as_of),
        "churn_probability": probability,
        "horizon_days": stamp.horizon_days,
        "risk_band": np.array(BANDS)[np.searchsorted(thresholds, probability, "right")],
        "risk_rank": risks.rank(method="min", ascending=False).astype("int64"),
        "risk_percentile": (100 * risks.rank(method="max", pct=True)).round(2),
        "model_version": stamp.model_version,
    }
    own = dict(scored[[name for name in ALL if name in scored]])
    own |= {name: pd.Series(each, scored.index) for name, each in told.items()}
    # One column at a time: the whole twice would be most of what a large night needs.
    order = np.lexsort((scored["customer_id"].to_numpy(dtype=object), own["risk_rank"]))
    typed = {f.name: _typed(own.pop(f.name).iloc[order], f) for f in FIELDS if f.name in own}
    return pd.DataFrame(typed)


def with_texts(
    listed: pd.DataFrame,
    top: pd.DataFrame,
    templates: Templates,
    currency: str,
    advice: pd.DataFrame,
) -> pd.DataFrame:
    """``ranked`` rows with the columns of ``fields_of``, in the language of ``templates``.

    ``top`` are the rows that have reasons, under their index: ``reason_<n>_driver`` (null where
    there is no reason), ``protective_1_driver``, ``<slot>_attribute`` and ``<slot>_value`` (the
    attribute that says most for the slot's driver, quoted instead of the driver's own sentence),
    and the facts that sentences quote. ``advice`` has other texts, by the rows' index.
    """
    texts = dict(advice)
    for slot, direction in SLOTS:
        if f"{slot}_driver" in top:
            drivers, quoted = slot_facts(top, slot)
            texts[f"{slot}_text"] = sentences(drivers, quoted, templates, currency, direction)
    told = listed.assign(**{name: text.reindex(listed.index) for name, text in texts.items()})
    names = [field.name for field in fields_of(told)]
    told = told[names].astype({name: "category" for name in texts if name in names})
    return told.reset_index(drop=True)


def fields_of(listed: pd.DataFrame, names: Collection[str] = ALL) -> tuple[Field, ...]:
    """The fields among ``names`` that this list has, in order.

    A column that the company has no data for is left out.
    """
    return tuple(
        field
        for field in FIELDS
        if field.name in names
        and field.name in listed
        and (field.name not in EMPTY_LEFT_OUT or listed[field.name].notna().any())
    )


def data_quality(facts: pd.DataFrame, expected: tuple[str, ...]) -> pd.Series:
    """``cold_start`` under 90 days as a customer, ``partial`` where an expected fact is null.

    ``expected`` names facts that every established customer of this company should have, such as
    ``latest_bill_on``; one that is no column of ``facts`` is not asked for.
    """
    quality = pd.Series("ok", index=facts.index, dtype="str")
    asked = [name for name in expected if name in facts.columns]
    quality = quality.mask(facts[asked].isna().any(axis=1), "partial")
    if "tenure_days" not in facts.columns:
        return quality
    tenure = facts["tenure_days"].to_numpy(dtype="float64", na_value=np.nan)
    return quality.mask(tenure < _COLD_START_DAYS, "cold_start")


def _refuse_ids(ids: pd.Series) -> None:
    if ids.isna().any() or ids.eq("").any() or ids.duplicated().any():
        raise ContractError(
            f"risk list: of {len(ids)} customer ids {int((ids.isna() | ids.eq('')).sum())} are "
            f"empty and {int(ids.duplicated().sum())} repeat another; each customer has one row. "
            "Run `stille check`."
        )
    refuse_dangerous_ids(ids.astype("str"), "risk list, customer_id")


def slot_facts(listed: pd.DataFrame, slot: str) -> tuple[pd.Series, pd.DataFrame]:
    """The driver whose sentence a slot of each row says, and the facts that it may quote.

    What says most may be the company's own attribute: then its sentence, whatever its driver.
    """
    drivers, facts = listed[f"{slot}_driver"].astype("str"), listed
    if f"{slot}_value" in listed.columns:
        quoted = {"profile_name": f"{slot}_attribute", "profile_value": f"{slot}_value"}
        texts = {fact: listed[column].astype("str") for fact, column in quoted.items()}
        facts = listed.assign(**texts)
        drivers = drivers.mask(facts["profile_value"].fillna("").ne(""), "profile")
    return drivers, facts


def _typed(values: pd.Series, field: Field) -> pd.Series:
    if field.type == "text":
        values = values.astype("str").mask(values.eq(""))
    dtype = "str" if field.name in _IDS else _DTYPES.get(field.type)
    typed = values if dtype is None else values.astype(pd.api.types.pandas_dtype(dtype))
    return typed.round(DECIMALS[field.type]) if field.type in DECIMALS else typed
