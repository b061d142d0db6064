"""What can be turned in a simulation changes that and nothing else."""

from dataclasses import asdict, fields
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import ROOT, frame, run

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import START
from pipelines.simulator.options import CAPS, DECAY, HARD, KIND, THE_RULE, Dials, OwnList


def test_a_few_rows_come_late_and_a_few_bills_are_corrected(small):
    for name in ("invoices", "offers", "meter_readings"):
        assert 0 < frame(small, name)["known_at"].notna().mean() < 0.05, name
    again = frame(small, "invoices").dropna(subset="corrects_invoice_id")
    assert 0 < len(again) < 0.04 * len(frame(small, "invoices"))
    assert (again["amount"] < 0).any()
    assert (again["amount"] > 0).any()


def test_other_products_can_be_sold(tmp_path):
    run(tmp_path, products=PRODUCT_LINES, months=3)
    assert set(frame(tmp_path, "contracts")["product_line"]) == set(PRODUCT_LINES)
    run(tmp_path / "one", products=("insurance",), months=3)
    one = frame(tmp_path / "one", "contracts")
    assert set(one["product_line"]) == {"insurance"}
    assert not one["customer_id"].duplicated().any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"products": ("gas",)},
        {"products": ()},
        {"reach": 1.5},
        {"accept": -0.1},
        {"own_list": {"share": 1.1}},
        {"delay": 1},
        {"frailty": -0.1},
        {"types": {"persuadable": 1.0}},
        {"types": {"persuadable": 0.5, "sure": 0.5, "lost": 0.5, "sleeping_dog": 0.5}},
    ],
)
def test_impossible_orders_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"products|reach|accept|share|types|delay|frailty"):
        run(tmp_path, **wrong)


def test_progress_is_told_month_by_month(tmp_path):
    told: list[int] = []
    run(tmp_path, customers=50, months=3, on_month=told.append)
    assert told == [1, 2, 3]


def page_rows(header: str) -> list[list[str]]:
    """The cells of the page's table whose first column has this header."""
    page = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")
    lines = page[page.index(f"| {header} |") :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]


def test_the_page_about_the_simulation_gives_every_dial_at_both_companies():
    rows = {row[0].strip("`"): row[1:3] for row in page_rows("dial")}
    assert set(rows) == {field.name for field in fields(Dials)}
    for name, cells in rows.items():
        for company, cell in zip((KIND, HARD), cells, strict=True):
            value = getattr(company, name)
            if isinstance(value, float):
                assert float(cell) == value, name
            elif isinstance(value, int | str | date):
                assert cell == str(value), name
    assert [rows["own_list"][1], rows["fit"][1]] == ["5 %, 0.1 held out", "1.5, 0.5"]
    assert HARD.own_list == OwnList(0.05, 0.1)
    assert HARD.fit == (1.5, 0.5)


def test_the_page_about_the_simulation_gives_every_coefficient():
    cells = page_rows("coefficient")
    assert {row[0]: float(row[1]) for row in cells} == asdict(THE_RULE)
    remains = {row[0]: (row[2], row[3]) for row in cells if row[2]}
    assert {code: float(value[0]) for code, value in remains.items()} == dict(DECAY)
    caps = {code: float(value[1]) for code, value in remains.items()}
    assert caps == {code: CAPS.get(code, 2.0) for code in DECAY}


def test_margins_are_log_normal_by_product_line_and_rise_with_tenure(large: Path) -> None:
    customers = pd.read_parquet(large / "tables" / "customers.parquet").set_index("customer_id")
    contracts = pd.read_parquet(large / "tables" / "contracts.parquet")
    lines = contracts.groupby("customer_id")["product_line"].agg(lambda own: "+".join(sorted(own)))
    logs = np.log(customers["margin_per_year"].astype(float))
    level = logs.groupby(lines).mean()
    assert level["electricity"] < level["broadband"] < level["broadband+electricity"]
    rest = logs - lines.map(level)
    assert rest.std() == pytest.approx(0.5, abs=0.03)
    assert abs(rest.skew()) < 0.15
    years = (pd.Timestamp(START) - pd.to_datetime(customers["joined_on"])).dt.days.clip(0) / 365
    assert 0.05 < np.corrcoef(rest, np.log1p(years))[0, 1] < 0.3
