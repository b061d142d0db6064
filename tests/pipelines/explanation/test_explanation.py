"""Every number that a list says about a customer is in the source rows that `explain` shows."""

import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from companies import Company
from oracle import expected

from features.contract import TABLES
from features.errors import ConfigError, PublicationError
from pipelines.config.settings import load_settings
from pipelines.explanation.answers import Explanation, explain_customer
from pipelines.explanation.evidence import SourceRow
from pipelines.lists.risk_list import SLOTS

CONSTANT = {"30", "90", "180", "5", "7", "10"}
"""Windows and scales: the only numbers that a sentence may bring along."""


def company_of(rows: Iterable[SourceRow], customer: str) -> Company:
    """The rows that were shown, and nothing else, as tables of the contract."""
    tables: Company = {}
    for row in rows:
        columns = [column.name for column in TABLES[row.table].columns]
        full = dict.fromkeys(columns) | dict(row.values) | dict(row.key)
        if TABLES[row.table].per_customer:
            full["customer_id"] = customer
        moments = {"event_at": row.event_at, "known_at": row.known_at}
        tables.setdefault(row.table, []).append(full | moments)
    return tables


def same(value: Any, theirs: Any) -> bool:
    if pd.isna(value) or theirs is None:
        return bool(pd.isna(value)) and theirs is None
    if hasattr(theirs, "year"):
        return pd.Timestamp(value) == pd.Timestamp(theirs)
    if isinstance(theirs, str):
        return bool(value == theirs)
    return bool(np.isclose(float(value), float(theirs), rtol=1e-6))


def untraced(found: Explanation, zone: str) -> list[str]:
    """What is said that does not follow from the rows shown, by the slow oracle's arithmetic."""
    case, wrong = found.case, []
    for sentence in found.sentences:
        said = []
        for figure in sentence.figures:
            rows = company_of(figure.rows, case.customer)
            if figure.fact == "product_line":
                continue
            theirs = expected(rows, case.customer, case.as_of, zone)[figure.fact]
            if not same(figure.value, theirs):
                wrong.append(f"{figure.fact}: {figure.value} but the rows give {theirs}")
            said.append(figure.text)
        numbers = set(re.findall(r"\d+", sentence.text))
        traced = set(re.findall(r"\d+", " ".join(said)))
        if not numbers <= traced | CONSTANT:
            wrong.append(f"{sentence.text}: {numbers - traced - CONSTANT} is in no figure")
    return wrong


def chosen(listed: pd.DataFrame, count: int) -> list[str]:
    """Customers whose sentences together say the most drivers, each adding what is new."""
    slots = [f"{slot}_driver" for slot, _ in SLOTS]
    told = listed.dropna(subset=slots[0])
    drivers = {
        row[0]: set(row[1:]) for row in told[["customer_id", *slots]].itertuples(index=False)
    }
    found: list[str] = []
    seen: set[str] = set()
    while len(found) < count:
        best = max(drivers, key=lambda customer: len(drivers[customer] - seen))
        seen |= drivers.pop(best)
        found.append(best)
    return found


@pytest.fixture
def listed(published) -> pd.DataFrame:
    return pd.read_parquet(published.publication.folder / "risk_list.parquet")


def check(demo, listed: pd.DataFrame, count: int) -> None:
    settings = load_settings(demo.config)
    for customer in chosen(listed, count):
        found = explain_customer(demo.config, customer)
        assert untraced(found, settings.company.timezone) == []
        row = listed.set_index("customer_id").loc[customer]
        for sentence in found.sentences:
            assert sentence.text == row[f"{sentence.slot}_text"]
        total = found.base + sum(found.families.values())
        assert total == pytest.approx(np.log(found.probability / (1 - found.probability)), abs=1e-6)
        assert found.probability == pytest.approx(row["churn_probability"], abs=1e-6)


def test_every_number_of_the_sentences_is_in_the_rows_shown(demo, listed):
    check(demo, listed, 2)


def test_the_command_shows_the_rows_of_every_number(demo, listed, stille):
    customer = listed["customer_id"][0]
    ended = stille("explain", customer, "--config", demo.config, "--language", "sv", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["customer_id"] == customer
    assert told["risk_band"] == listed["risk_band"][0]
    assert {s["slot"] for s in told["sentences"]} <= {slot for slot, _ in SLOTS}
    shown = [row for s in told["sentences"] for figure in s["figures"] for row in figure["rows"]]
    assert shown
    assert all(row["table"] in TABLES and row["key"] and row["known_at"] for row in shown)


def test_who_is_not_on_the_list_is_not_named(demo, published, stille):
    ended = stille("explain", "C-secret", "--config", demo.config)
    assert ended.code == ConfigError.exit_code
    assert "not on the list of 2024-03-01" in ended.err
    assert "C-secret" not in ended.out + ended.err
    early = stille("explain", "C-secret", "--config", demo.config, "--as-of", "2023-01-01")
    assert early.code == PublicationError.exit_code
    assert "no list of 2023-01-01" in early.err


@pytest.mark.proof
def test_so_it_is_for_many_customers(demo, listed):
    check(demo, listed, 60)
