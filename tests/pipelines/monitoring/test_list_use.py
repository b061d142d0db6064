"""Overrides: contacts against a list and listings without one, by hand and from a company."""

import json
from contextlib import suppress
from datetime import date, timedelta

import pandas as pd
import pytest

from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.erasure.forget import forget
from pipelines.jobs.entry import MONITOR
from pipelines.jobs.read_tables import read_tables
from pipelines.monitoring.list_use import REGISTER, judge_use, measure_list_use
from pipelines.monitoring.result import AlarmError
from pipelines.runtime.run_record import RunRecord

LISTED = pd.DataFrame(
    [
        ("called", "2026-01-05", "call", None),
        ("tried", "2026-01-05", "call", None),
        ("forgotten", "2026-01-05", "call", None),
        ("late", "2026-01-05", "call", None),
        ("recent", "2026-01-19", "call", None),
        ("objects", "2026-01-05", "suppressed", "opted_out"),
        ("spared", "2026-01-05", "suppressed", "holdout"),
        ("sleeps", "2026-01-05", "leave_in_peace", "asleep"),
        ("sleeps", "2026-01-19", "call", None),
        ("changed", "2026-01-19", "suppressed", "opted_out"),
    ],
    columns=["customer_id", "as_of_date", "lane", "lane_rule"],
)
OUTREACHES = pd.DataFrame(
    [
        ("called", "t1", "2026-01-06", True),
        ("tried", "t2", "2026-01-18", False),
        ("late", "t3", "2026-01-19", True),
        ("objects", "t4", "2026-01-18", False),
        ("spared", "t5", "2026-01-05", True),
        ("sleeps", "t6", "2026-01-18", True),
        ("sleeps", "t7", "2026-01-19", True),
        ("changed", "t8", "2026-01-18", True),
        ("objects", "t9", "2026-01-04", True),
        ("objects", "t10", "2026-02-02", True),
    ],
    columns=["customer_id", "treatment_id", "day", "contacted"],
)
NIGHTS = pd.DatetimeIndex(["2026-01-05", "2026-01-19"])


def judged(today, listed=LISTED, outreaches=OUTREACHES, act_days=14):
    found = judge_use(listed, NIGHTS, outreaches, today, act_days)
    assert found.columns.tolist() == REGISTER
    against = found[found["reason"].notna()]
    key = against["treatment_id"].fillna(against["customer_id"])
    return dict(zip(key, against["reason"], strict=True)), found["kind"].value_counts().to_dict()


def test_overrides_by_hand():
    """A list is in force for 14 days or until the next; the last one of 19 January, to 1 February.

    t4 to t6 are against the first list; t7 and t8 are as the list of their day says; t9 is
    before any list, t10 after the last one has ended.
    """
    against, counts = judged(date(2026, 2, 2))
    assert against == {
        "t4": "opted_out",
        "t5": "holdout",
        "t6": "asleep",
        "tried": "not_reached",
        "late": "not_tried",
        "forgotten": "not_tried",
        "recent": "not_tried",
    }
    assert counts == {"contacted": 8, "listed": 6}


def test_a_listing_is_judged_once_its_days_are_over():
    against, counts = judged(date(2026, 2, 1))
    assert "recent" not in against
    assert counts == {"contacted": 8, "listed": 4}
    assert judged(date(2026, 1, 18))[1] == {"contacted": 8}


def test_nobody_is_accused_where_nothing_was_reported_or_listed():
    against, counts = judged(date(2026, 2, 2), outreaches=OUTREACHES.iloc[:0])
    assert set(against.values()) == {"not_tried"}
    assert counts == {"listed": 6}
    assert judged(date(2026, 2, 2), listed=LISTED.iloc[:0])[0] == {}


@pytest.fixture
def monitored(demo, published, copied):
    """The company a fortnight after its list, of which four customers were treated as told."""
    listed = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    of = listed.set_index("customer_id")["lane"]
    called, spared = of.index[of == "call"], of.index[of == "suppressed"]
    path = copied / "data" / "tables" / "treatments.parquet"
    before = pd.read_parquet(path)
    new = before.iloc[[0] * 5].assign(
        treatment_id=["n1", "n2", "=n3", "n4", "n5"],
        customer_id=[called[0], called[1], spared[0], spared[1], spared[2]],
        treated_at=pd.Timestamp(demo.as_of) + pd.Timedelta(hours=30),
        contacted=[True, False, True, False, False],
        arm=["treat", "treat", None, "holdout", "treat"],
        lane=["call", "call", None, "call", "fix"],
        known_at=pd.NaT,
    )
    pd.concat([before, new]).to_parquet(path, index=False)
    other = {"quality": {"learned_days": False}, "tracking": {"experiment": "overrides"}}
    config = demo.config_in(copied, copied / "data", **other)
    today = demo.as_of + timedelta(days=15)
    with suppress(AlarmError):
        MONITOR.start(config, today)
    return copied, today, listed.set_index("customer_id"), (called, spared)


def test_monitoring_keeps_a_register_with_ids_only_that_forget_reaches(monitored, demo):
    folder, today, listed, (called, spared) = monitored
    data = json.loads((folder / "var/monitoring" / f"{today}.json").read_bytes())
    use = data["overrides"]
    assert (use["since"], use["nights"], use["listed"]) == (str(demo.as_of), 1, len(called))
    counts = {(each["kind"], each["reason"]): each["n"] for each in use["counts"]}
    assert counts["listed", "not_reached"] >= 1
    assert counts["listed", "not_tried"] + counts["listed", "not_reached"] < len(called)
    path = folder / "var/overrides" / f"{today}.csv"
    rows = pd.read_csv(path, dtype=str)
    assert rows.columns.tolist() == REGISTER
    by_key = rows.set_index("treatment_id")
    assert by_key.loc["'=n3", "customer_id"] == spared[0]
    assert by_key.loc["'=n3", "reason"] == listed.loc[spared[0], "lane_rule"]
    assert not {"n1", "n2", "n4", "n5"} & set(by_key.index)
    missed = rows[rows["kind"] == "listed"].set_index("customer_id")["reason"]
    assert called[0] not in missed.index
    assert missed[called[1]] == "not_reached"
    groups = data["parity"]["groups"]
    kinds = {each["kind"] for each in groups}
    assert kinds == {"all", "segment", "age_band", "language", "preferred_channel"}
    assert groups[0]["shares"]["called"]["value"] == len(called) / len(listed)
    paths = load_settings(folder / "config.yaml").paths
    forget(paths, spared[0])
    left = pd.read_csv(path, dtype=str)
    assert left.equals(rows[rows["customer_id"] != spared[0]].reset_index(drop=True))


def test_without_treatments_there_are_no_overrides(demo, published, copied):
    settings = load_settings(demo.config_in(copied, sources={"treatments": None}))
    run = Run(settings, demo.as_of + timedelta(days=1), RunRecord("r", "monitor", ""))
    use = measure_list_use(run, read_tables(run))
    assert (use.overrides, use.register) == (None, None)
    assert use.parity["as_of_date"] == str(demo.as_of)
