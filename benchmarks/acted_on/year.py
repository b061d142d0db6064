"""The value of our call list over a year of nights that are acted on, against other lists."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from functools import partial

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks import companies
from benchmarks.acted_on.judge import (
    BEST,
    BY_MEAN,
    BY_RISK,
    BY_RISK_OF_TABLES,
    BY_TABLES,
    candidates,
    compare,
    fit_by_tables,
    money,
    true_effects,
    with_action,
)
from benchmarks.acted_on.world import NIGHT_DAYS, TODAY, World
from benchmarks.models.keeping import Row, kept
from features.timeline import month_starts
from models.dataset.array_types import Floats, Matrix
from models.dataset.feature_spec import FeatureSpec, learn_spec
from models.metrics.profit import Economics
from pipelines.config.economics import contacts_of
from pipelines.config.settings import Settings
from pipelines.matrices.files import KEYS, read_matrix
from pipelines.matrices.gates import feature_columns
from pipelines.simulator.calling import OFFERING
from pipelines.simulator.record import ACTIONS

REFERENCE_SEED, REFERENCE_CUSTOMERS = 900, 12_000
REFERENCE_DAYS = month_starts(date(2024, 1, 1), date(2024, 8, 1))


def year(
    company: str,
    minutes: float,
    seed: int,
    customers: int,
    say: Callable[[str], None],
) -> Row:
    """One company's year: our list and the others on its nights, by the truth.

    The company assumes the share of leavers saved that the reference company has.
    """
    elsewhere = kept(
        f"acted-on share of {company}",
        REFERENCE_CUSTOMERS,
        partial(_share_of_reference, company, say),
    )
    world = World(company, seed, customers, minutes, saved_share=elsewhere["share"])
    return judged(world, world.year(say).reset_index(drop=True))


def judged(world: World, rows: pd.DataFrame) -> Row:
    """Our lists of a year, ``rows`` (a customer and night each), and the others, by the truth."""
    company, settings = world.company, world.settings()
    days = settings.label.lead_days + settings.label.horizon_days
    effect = true_effects(settings.paths.data / "truth", rows, days, world.dials.household_spill)
    value, economics = _values(settings, rows)
    brought = money(effect, value, economics)
    people = _households(settings, rows)
    rows = rows.assign(
        brought=brought, reduction=effect["reduction"], alone=effect["alone"], household_id=people
    )
    spec, boosters = _by_tables(company)
    x = with_action(_matrix(settings, rows, spec), _numbers(rows))
    reduction, alone = (np.asarray(each.predict(x), dtype=np.float64) for each in boosters)
    # Who takes an offer is a taste that no table shows; how often offers are taken is known.
    offered = rows["suggested_action"].isin(OFFERING)
    told = effect.assign(
        reduction=reduction, mates=0.0, offer=offered * float(effect.loc[offered, "offer"].mean())
    )
    risk = rows["churn_probability"].to_numpy(dtype=np.float64)
    called = effect.loc[candidates(rows).index]
    saved = float(called["reduction"].sum() / called["alone"].sum())
    scores = {
        BY_RISK: risk,
        BY_MEAN: money(told.assign(reduction=saved * risk), value, economics),
        BY_RISK_OF_TABLES: money(told.assign(reduction=saved * alone), value, economics),
        BY_TABLES: money(told, value, economics),
        BEST: brought,
    }
    found = compare(rows, scores, world.minutes)
    return {name: asdict(each) for name, each in found.items()}


def _values(settings: Settings, rows: pd.DataFrame) -> tuple[Floats, Economics]:
    customers = pd.read_parquet(settings.paths.data / "tables" / "customers.parquet")
    margin = customers.set_index("customer_id")["margin_per_year"]
    known = rows.assign(
        margin_per_year=margin.reindex(rows["customer_id"]).to_numpy(), asleep=False
    )
    p = rows["churn_probability"].to_numpy(dtype=np.float64)
    contacts = contacts_of(settings, known, p, NIGHT_DAYS[0])
    if contacts is None:
        raise SystemExit("the demo's configuration has no economics")
    return contacts[0].value, contacts[0].economics


def _households(settings: Settings, rows: pd.DataFrame) -> np.ndarray:
    truth = settings.paths.data / "truth" / "responses.parquet"
    nights = pd.read_parquet(truth, columns=["customer_id", "month", "household_id"])
    nights["month"] = pd.to_datetime(nights["month"])
    keys = pd.MultiIndex.from_arrays([rows["customer_id"], pd.to_datetime(rows["as_of"])])
    return nights.set_index(["customer_id", "month"])["household_id"].reindex(keys).to_numpy()


def _share_of_reference(company: str, say: Callable[[str], None]) -> Row:
    """The share of the reached leavers whom a call keeps there, with the action of their list."""
    reference = _reference(company)
    rows = reference.first_night(REFERENCE_DAYS[-1], say).reset_index(drop=True)
    settings = reference.settings()
    days = settings.label.lead_days + settings.label.horizon_days
    effect = true_effects(settings.paths.data / "truth", rows, days, 0.0)
    called = effect.loc[candidates(rows).index]
    saved = called["reduction"].sum() / called["alone"].sum()
    return {"share": float(saved / reference.dials.reach)}


def _reference(company: str) -> World:
    reference = World(company, REFERENCE_SEED, REFERENCE_CUSTOMERS, 0)
    if not (reference.settings().paths.data / "truth").is_dir():
        reference.simulate(40)
    return reference


def _by_tables(company: str) -> tuple[FeatureSpec, tuple[lgb.Booster, lgb.Booster]]:
    """What the tables tell of a call's effect, and of the risk without one.

    Learned from the truth of another company.
    """
    settings = _reference(company).settings()
    catalog = companies.Company(settings, TODAY).catalog
    columns = feature_columns(catalog)
    frame = _frame(settings, REFERENCE_DAYS, [column.name for column in columns])
    spec = learn_spec(columns, frame)
    action = np.random.default_rng(1).integers(0, len(ACTIONS), len(frame))
    asked = frame[["customer_id", "as_of"]].assign(suggested_action=np.array(ACTIONS)[action])
    days = settings.label.lead_days + settings.label.horizon_days
    effect = true_effects(settings.paths.data / "truth", asked, days, 0.0)
    known = effect["reduction"].notna().to_numpy()
    x, number = spec.encode(frame)[known], action[known].astype(np.float64)
    reduction, alone = (
        effect.loc[known, name].to_numpy(dtype=np.float64) for name in ("reduction", "alone")
    )
    return spec, (fit_by_tables(x, number, reduction), fit_by_tables(x, number, alone))


def _frame(settings: Settings, days: tuple[date, ...], names: list[str]) -> pd.DataFrame:
    parts = companies.Company(settings, TODAY).matrix(days, names, labelled=False)
    nights = [read_matrix(each, [*KEYS, *names]) for each in parts.values()]
    return pd.concat(nights, ignore_index=True)


def _matrix(settings: Settings, rows: pd.DataFrame, spec: FeatureSpec) -> Matrix:
    """The features of each row, in the rows' order."""
    frame = _frame(settings, NIGHT_DAYS, list(spec.names))
    frame["as_of"] = frame["as_of"].astype("datetime64[s]")
    keys = rows[["customer_id"]].assign(as_of=rows["as_of"].astype("datetime64[s]"))
    joined = keys.merge(frame, how="left", on=["customer_id", "as_of"], validate="1:1")
    return spec.encode(joined)


def _numbers(rows: pd.DataFrame) -> Floats:
    number = {name: i for i, name in enumerate(ACTIONS)}
    return np.asarray(rows["suggested_action"].map(number).fillna(0), dtype=np.float64)
