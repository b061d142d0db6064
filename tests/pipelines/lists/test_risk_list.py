"""The risk list: columns, order, bands and ranks, and both its files."""

import datetime as dt
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import stamps
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ConfigError, ContractError
from pipelines.config.lists import RiskList
from pipelines.lists.contact import CONTACT_CHANNELS
from pipelines.lists.list_columns import BANDS, FIELDS, LANE_LISTS, REASONS, RISK_LIST
from pipelines.lists.risk_list import data_quality, fields_of, ranked, with_texts
from pipelines.lists.templates import load_templates
from pipelines.publication.manifest import DECLARED, manifest_bytes
from pipelines.publication.writers import write_list

FOLDER = Path(__file__).parents[3] / "configs" / "reasons"
NB, EN = (load_templates(FOLDER / f"{language}.yaml") for language in ("nb", "en"))
ADVICE = {"expected_value", "value_at_risk", "currency", "suggested_action", "do_not"}
PLACED = {
    "lane",
    "lane_rule",
    "arm",
    "contact_block_reason",
    "preferred_channel",
    "use_channel",
} | {
    *("expected_value_high", "risk_change_7d", "is_new", "nights_on_list"),
    *("opening_text", "no_action_text"),
    *(f"contact_allowed_{channel}" for channel in CONTACT_CHANNELS),
}
THRESHOLDS = {"medium": 0.05, "high": 0.1, "very_high": 0.3}
STAMP = replace(stamps.STAMP, thresholds=THRESHOLDS)


def scored(**different: object) -> pd.DataFrame:
    columns: dict[str, object] = {
        "customer_id": ["00042", "K-7", "00007"],
        "product_line": ["electricity", "broadband", "electricity"],
        "churn_probability": [0.04, 0.31, 0.04],
        "data_quality": ["ok", "ok", "cold_start"],
        "reason_1_driver": ["price_rise", "dunning", None],
        "reason_1_contribution": [0.12345678, 1.5, np.nan],
        "reason_2_driver": [None, "profile", None],
        "reason_2_contribution": [np.nan, 0.5, np.nan],
        "reason_3_driver": pd.Series([None, None, None], dtype="str"),
        "reason_3_contribution": [np.nan, np.nan, np.nan],
        "protective_1_driver": ["tenure", None, None],
        "customer_since": pd.to_datetime(["2014-03-03", None, None]),
        "price_rise_pct_365d": np.array([0.12, np.nan, np.nan], dtype="float32"),
        "reminders_90d": np.array([0, 1, 0], dtype="float32"),
        "latest_reminder_on": [None, dt.date(2024, 4, 1), None],
        "profile_name": [None, "Note", None],
        "profile_value": [None, "=1+1", None],
        "binding_until": [None, dt.date(2024, 12, 31), None],
        "open_case_id": [None, "=C1", None],
        "last_contact_on": [None, None, None],
    }
    return pd.DataFrame(columns | different)


def risk_list(frame: pd.DataFrame, stamp, templates, currency: str) -> pd.DataFrame:
    return with_texts(ranked(frame, stamp), frame, templates, currency, frame[[]])


def test_the_list_by_hand():
    listed = risk_list(scored(), STAMP, NB, "NOK")
    assert listed["customer_id"].tolist() == ["K-7", "00007", "00042"]
    assert listed["risk_rank"].tolist() == [1, 2, 2]
    assert listed["risk_percentile"].tolist() == [100.0, 66.67, 66.67]
    assert listed["risk_band"].tolist() == ["very_high", "low", "low"]
    assert listed["churn_probability"].tolist() == [0.31, 0.04, 0.04]
    assert listed["reason_1_driver"].astype("str").fillna("").tolist() == [
        "dunning",
        "",
        "price_rise",
    ]
    assert listed["reason_1_text"].astype("str").fillna("").tolist() == [
        "Kunden fikk en purring 1. april 2024.",
        "",
        "Prisøkninger varslet eller innført det siste året er til sammen på 12 %.",
    ]
    assert listed["reason_1_contribution"].fillna(0).tolist() == [1.5, 0, 0.123457]
    assert listed["reason_2_text"].astype("str").fillna("").tolist() == ["Note: =1+1", "", ""]
    assert listed["protective_1_text"].astype("str").fillna("").tolist() == [
        "",
        "",
        "Kunde siden 3. mars 2014.",
    ]
    assert set(listed["model_version"]) == {"churn/3"}
    assert set(listed["horizon_days"]) == {90}


def test_the_columns_are_those_that_the_company_has():
    listed = risk_list(scored(), STAMP, NB, "NOK")
    absent = {"segment", "team", "last_contact_on"} | ADVICE | PLACED
    assert [*listed.columns] == [name for name in RISK_LIST if name not in absent]
    more = scored(segment=["a", None, "b"]).drop(columns="open_case_id")
    columns = [*risk_list(more, STAMP, NB, "NOK").columns]
    assert columns.index("segment") == columns.index("product_line") + 1
    assert "open_case_id" not in columns


def test_the_list_says_what_to_do_and_what_a_contact_is_worth(tmp_path: Path):
    advised = scored(
        expected_value=[-1.005, 812.3456, 3.0],
        value_at_risk=[100.0, 2_000.5, 7.0],
        currency="NOK",
        suggested_action=["A4", None, None],
        do_not=["hold_back_notice;deny_gap", None, None],
    )
    listed = risk_list(advised, STAMP, NB, "NOK")
    columns = [*listed.columns]
    assert {*columns} >= ADVICE
    write_list(listed, fields_of(listed), tmp_path, "risk_list", RiskList(), "en")
    first, _, last = (tmp_path / "risk_list.csv").read_text().splitlines()[1:]
    assert ",812.35,2000.50,NOK," in first
    assert ",A4,hold_back_notice;deny_gap," in last


def test_another_language_changes_only_the_sentences():
    nb = risk_list(scored(), STAMP, NB, "NOK")
    en = risk_list(scored(), STAMP, EN, "NOK")
    texts = [name for name in nb.columns if name.endswith("_text")]
    pd.testing.assert_frame_equal(nb.drop(columns=texts), en.drop(columns=texts))
    assert en["reason_1_text"][0] == "The customer got a payment reminder on 1 April 2024."


def test_both_files_hold_the_same_list(tmp_path: Path):
    listed = risk_list(scored(), STAMP, NB, "NOK")
    write_list(listed, fields_of(listed), tmp_path, "risk_list", RiskList(), "en")
    text = (tmp_path / "risk_list.csv").read_text()
    assert text.splitlines()[1] == (
        "1,run-1,2024-05-02,K-7,broadband,0.310000,90,very_high,1,100.00,dunning,"
        '"Kunden fikk en purring 1. april 2024.",1.500000,profile,"Note: =1+1",0.500000,,,,,,'
        "'=C1,2024-12-31,ok,churn/3"
    )
    twin = pq.read_table(tmp_path / "risk_list.parquet")
    assert twin.column_names == [*listed.columns]
    assert twin["open_case_id"].to_pylist() == ["=C1", None, None]
    assert twin["binding_until"].to_pylist() == [date(2024, 12, 31), None, None]
    with duckdb.connect() as con:
        both = con.execute(
            f"select count(*) from '{tmp_path}/risk_list.csv' c "
            f"join '{tmp_path}/risk_list.parquet' p"
            " using (customer_id, as_of_date, churn_probability, risk_rank, risk_percentile)"
        ).fetchone()
    assert both == (3,)


def test_the_manifest_gives_every_column_its_type(tmp_path: Path):
    listed = risk_list(scored(), STAMP, NB, "NOK")
    write_list(listed, fields_of(listed), tmp_path, "risk_list", RiskList(), "en")
    manifest = manifest_bytes(tmp_path, STAMP, {"risk_list.csv": fields_of(listed)}).decode()
    for name in listed.columns:
        assert f'"name": "{name}"' in manifest
    assert '"medium": 0.05' in manifest


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_order_and_ranks_do_not_depend_on_the_order_of_rows(risks: list[float], random: object):
    frame = pd.DataFrame(
        {
            "customer_id": [f"{number:03}" for number in range(len(risks))],
            "churn_probability": risks,
            "data_quality": "ok",
        }
    )
    shuffled = frame.sample(frac=1, random_state=random.randrange(2**32))
    listed = risk_list(frame, STAMP, NB, "NOK")
    pd.testing.assert_frame_equal(listed, risk_list(shuffled, STAMP, NB, "NOK"))
    published = [round(risk, 6) for risk in risks]
    ranks = dict(zip(listed["customer_id"], listed["risk_rank"], strict=True))
    for number, risk in enumerate(published):
        assert ranks[f"{number:03}"] == 1 + sum(other > risk for other in published)
    assert listed["churn_probability"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("risk", "band"),
    [(0, 0), (0.0499994, 0), (0.0499996, 1), (0.05, 1), (0.1, 2), (0.299999, 2), (0.3, 3), (1, 3)],
)
def test_a_band_begins_at_its_threshold(risk: float, band: int):
    frame = scored(churn_probability=[risk, 0.5, 0.5])
    listed = risk_list(frame, STAMP, NB, "NOK").set_index("customer_id")
    assert listed.loc["00042", "risk_band"] == BANDS[band]


@pytest.mark.parametrize(
    "bounds", [(0.1, 0.1, 0.3), (0, 0.1, 0.3), (0.1, 0.2, 1.0), (0.3, 0.2, 0.1)]
)
def test_bands_must_rise(bounds: tuple[float, float, float]):
    stamp = replace(STAMP, thresholds=dict(zip(THRESHOLDS, bounds, strict=True)))
    with pytest.raises(ConfigError, match=r"list\.bands must rise.*medium 0"):
        risk_list(scored(), stamp, NB, "NOK")


@pytest.mark.parametrize(
    ("ids", "fault"),
    [
        (["1", "2", "1"], "1 repeat another"),
        (["1", None, "2"], "1 are empty"),
        (["1", "", "2"], "1 are empty"),
        (["1", "@2", "3"], "reads as a formula"),
    ],
)
def test_ids_that_cannot_be_published_are_refused(ids: list[str | None], fault: str):
    frame = scored(customer_id=ids)
    with pytest.raises(ContractError, match=fault):
        risk_list(frame, STAMP, NB, "NOK")


@pytest.mark.parametrize("risk", [-0.1, 1.1, float("nan")])
def test_a_probability_that_is_none_is_refused(risk: float):
    frame = scored(churn_probability=[risk, 0.5, 0.5])
    with pytest.raises(ValueError, match="between 0 and 1"):
        risk_list(frame, STAMP, NB, "NOK")


def test_data_quality_by_hand():
    facts = pd.DataFrame(
        {
            "tenure_days": [89.0, 90.0, 400.0, np.nan],
            "latest_bill_on": pd.to_datetime([None, "2024-04-01", None, "2024-04-01"]),
        }
    )
    expected = ("tenure_days", "latest_bill_on", "no_such_fact")
    assert data_quality(facts, expected).tolist() == ["cold_start", "ok", "partial", "partial"]
    assert data_quality(facts[["latest_bill_on"]], ()).tolist() == ["ok"] * 4


def test_the_declared_columns_are_those_of_the_code():
    names = [field.name for field in FIELDS]
    reasons = [f"reason_{n + 1}_driver" for n in range(REASONS)]
    assert [name for name in names if name.startswith("reason_") and "driver" in name] == reasons
    open_for = [name for name in names if name.startswith("contact_allowed_")]
    assert open_for == [f"contact_allowed_{channel}" for channel in CONTACT_CHANNELS]
    for name, declared in DECLARED["lane_lists"].items():
        assert {*declared.get("without", ()), *LANE_LISTS[name].columns} <= {*names}
