"""Simulated companies for tests, and their tables and answer keys as frames."""

from dataclasses import fields, replace
from datetime import date
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from benchmarks.acted_on.calls import read_calls
from features.contract import TABLES
from pipelines.simulator.options import KIND, Dials
from pipelines.simulator.simulate import simulate
from pipelines.simulator.writer import WRITTEN

ROOT = Path(__file__).parents[2]
OLDER = {"customers", "contracts", "price_list", "benefits", "consents", "households"}
OLDER |= {"master_data"}
EVENTS = {name for name in WRITTEN if TABLES[name].per_customer}
MONTHS = 18
END = date(2023, 7, 1)


def run(root: Path, **options) -> Path:
    """Simulate below ``root``; options that are dials are turned."""
    names = {field.name for field in fields(Dials)}
    turns = {name: value for name, value in options.items() if name in names}
    settings = {"customers": 400, "months": MONTHS, "seed": 5, "dials": KIND}
    settings |= {name: value for name, value in options.items() if name not in names}
    if "calls" in settings:
        settings["nights"] = read_calls(settings.pop("calls"), settings["months"])
    simulate(root, **settings | {"dials": replace(settings["dials"], **turns)})
    return root


def table(root: Path, name: str) -> pa.Table:
    return parquet.read_table(root / "tables" / f"{name}.parquet")


@cache
def frame(root: Path, name: str) -> pd.DataFrame:
    rows = table(root, name).to_pandas()
    for column in TABLES[name].columns:
        if column.type == "date":
            rows[column.name] = pd.to_datetime(rows[column.name])
    return rows


@cache
def truth(root: Path) -> pd.DataFrame:
    rows = parquet.read_table(root / "truth" / "hazard.parquet").to_pandas()
    return rows.assign(month=pd.to_datetime(rows["month"]))


def local(instants: pd.Series) -> pd.Series:
    return instants.dt.tz_localize("UTC").dt.tz_convert(ZoneInfo("Europe/Oslo"))


@cache
def happened_on(root: Path, name: str) -> pd.Series:
    """Local day of each row, read with pandas' own time zones."""
    rows = frame(root, name)
    days = []
    for column in TABLES[name].event_at:
        instant = TABLES[name].column(column).type == "instant"
        days.append(local(rows[column]).dt.tz_localize(None) if instant else rows[column])
    return pd.concat(days, axis=1).min(axis=1).dt.normalize()


def notices(root: Path) -> pd.DataFrame:
    """First notice of each customer who left with everything."""
    ended = frame(root, "terminations")
    return ended[ended["outcome"] != "company"].groupby("customer_id").first()


def shares_next_month(root: Path, code: str, rows: pd.DataFrame) -> pd.Series:
    """Each row's share of one driver at the first day of the month after its ``day``."""
    month = rows["day"].dt.to_period("M").dt.to_timestamp() + pd.DateOffset(months=1)
    share = truth(root).set_index(["customer_id", "month"])[f"share_{code}"]
    keys = pd.MultiIndex.from_arrays([rows["customer_id"], month])
    return share.reindex(keys).set_axis(rows.index).dropna()
