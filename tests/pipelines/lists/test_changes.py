"""What is different since the night before, with what moved each customer."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config.run import Run
from pipelines.lists.changes import CAUSES, changes, new_events_since
from pipelines.lists.lanes import LANES
from pipelines.lists.previous_nights import Before, PublishedNight
from pipelines.publication.manifest import Stamp
from pipelines.runtime.run_record import RunRecord
from pipelines.snapshots.snapshot import take_snapshot

STAMP = Stamp(
    as_of=date(2026, 3, 3),
    run_id="r",
    created=datetime(2026, 3, 3, tzinfo=UTC),
    inputs_digest="i",
    config_digest="c",
    model_version="m/1",
    model_digest="m",
    horizon_days=90,
    thresholds={},
)
NOWHERE = ("none",)
NO_EVENTS = pd.DataFrame({"events": [], "last_known_on": []}, dtype="str")


def lanes(**customers):
    """Each customer's lane, rule and probability."""
    rows = pd.DataFrame.from_dict(
        customers, orient="index", columns=["lane", "lane_rule", "churn_probability"]
    )
    return rows.astype({"lane": "str", "lane_rule": "str", "churn_probability": "float64"})


def night(rows, **different):
    return PublishedNight(date(2026, 3, 2), rows, STAMP.identity | different)


def test_entered_left_and_moved_by_hand():
    before = lanes(
        a=("none", "capacity", 0.10),
        b=("call", None, 0.30),
        c=("call", None, 0.30),
        d=("fix", None, 0.20),
        e=("none", "no_action", 0.05),
    )
    now = lanes(
        a=("call", None, 0.25),
        c=("suppressed", "opted_out", 0.30),
        d=("fix", None, 0.25),
        e=("service", None, 0.05),
        f=("leave_in_peace", "asleep", 0.01),
        g=("none", "no_action", 0.01),
    )
    events = pd.DataFrame(
        {"events": ["cases 1;contacts 2"], "last_known_on": ["2026-03-02"]}, index=["a"]
    )
    coded = now.astype({"lane": "category", "lane_rule": "category"})
    told = changes(coded, night(before), events, STAMP)
    assert told["customer_id"].tolist() == ["a", "b", "c", "e", "f"]
    assert told["change"].tolist() == ["moved", "left", "moved", "moved", "entered"]
    assert told["cause"].tolist() == ["event;others", "time", "permission", "time", "time"]
    assert told["events"].fillna("").tolist() == ["cases 1;contacts 2", "", "", "", ""]
    assert told["risk_change"].round(6).fillna(9).tolist() == [0.15, 9, 0, 0, 9]
    assert told["lane_before"].fillna("").tolist() == ["none", "call", "call", "none", ""]
    assert told["lane_now"].fillna("").tolist() == [
        *("call", "", "suppressed", "service", "leave_in_peace")
    ]
    assert set(told["before_date"]) == {pd.Timestamp("2026-03-02")}


@pytest.mark.parametrize(
    ("different", "cause"),
    [
        ({"model_digest": "other"}, "model"),
        ({"config_digest": "other"}, "configuration"),
        ({"holdout_key": "other"}, "holdout_key"),
        ({"effect_digest": "other"}, "effect"),
    ],
)
def test_what_changed_for_everybody_is_named(different, cause):
    before, now = lanes(a=("none", "no_action", 0.1)), lanes(a=("call", None, 0.1))
    assert changes(now, night(before, **different), NO_EVENTS, STAMP)["cause"].tolist() == [cause]


CUSTOMERS = st.dictionaries(
    st.sampled_from([*"abcdefgh"]),
    st.tuples(
        st.sampled_from(LANES),
        st.sampled_from([None, "capacity", "opted_out", "no_action"]),
        st.floats(0, 1),
    ),
    min_size=1,
)


@settings(max_examples=40)
@given(CUSTOMERS, CUSTOMERS)
def test_whoever_is_in_the_same_lane_is_not_in_it_and_everybody_else_is(before, now):
    told = changes(lanes(**now), night(lanes(**before)), NO_EVENTS, STAMP)
    moved = {c for c in {*before, *now} if before.get(c, NOWHERE)[0] != now.get(c, NOWHERE)[0]}
    assert told["customer_id"].tolist() == sorted(moved)
    assert told["cause"].ne("").all()
    assert set(";".join(told["cause"]).split(";")) <= {"", *CAUSES} - {"event", "model"}
    assert changes(lanes(**now), night(lanes(**now)), NO_EVENTS, STAMP).empty


def test_rows_and_moments_between_the_nights_are_news(company, tmp_path):
    files = {
        "cases.csv": "case_id,customer_id,opened_at,closed_at\n"
        "a,1,2026-01-01 10:00:00,2026-03-02 08:00:00\n"
        "b,1,2026-03-01 23:59:59,\nc,2,2026-03-02 00:00:00,2026-03-02 09:00:00\n"
        "d,2,2026-03-03 00:00:00,\n",
        "complaints.csv": "complaint_id,customer_id,opened_at,known_at\n"
        "a,2,2026-01-01 10:00:00,2026-03-02 10:00:00\nb,1,2026-01-01 10:00:00,\n",
        "register.csv": "customer_id,looked_up_on,reserved_phone,reserved_post\n"
        "1,2026-03-02,true,true\n",
    }
    sources = {
        "cases": {"path": "cases.csv"},
        "complaints": {"path": "complaints.csv"},
        "reservations": {"path": "register.csv"},
    }
    made = company(files, sources)
    snapshot = take_snapshot(made, tmp_path / "snapshots", as_of=date(2026, 3, 4))

    def news(since: date, until: date) -> pd.DataFrame:
        run = Run(made, until, RunRecord("r", "nightly", ""))
        return new_events_since(run, snapshot, Before(PublishedNight(since, pd.DataFrame(), {})))

    told = news(date(2026, 3, 2), date(2026, 3, 3)).sort_index()
    assert told["events"].to_dict() == {"1": "cases 1", "2": "cases 1;complaints 1"}
    assert set(told["last_known_on"].astype("str").str[:10]) == {"2026-03-02"}
    assert news(date(2026, 2, 1), date(2026, 2, 2)).empty
