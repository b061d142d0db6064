"""A night's lanes, held against the company's own tables and the night before."""

import hashlib
import hmac
import shutil
from datetime import timedelta

import duckdb
import pandas as pd
import pytest

from pipelines.config.settings import load_settings
from pipelines.jobs.entry import NIGHTLY
from pipelines.lists.contact import CONTACT_CHANNELS
from pipelines.lists.lanes import LANES
from pipelines.lists.list_columns import LANE_LISTS
from pipelines.publication.reader import verify


@pytest.fixture
def listed(published) -> pd.DataFrame:
    return pd.read_parquet(published.publication.folder / "risk_list.parquet")


def ids(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")["customer_id"].tolist()


def test_every_customer_is_in_one_lane_and_every_list_holds_its_lane(published, listed):
    folder = published.publication.folder
    facts = verify(folder)["stille"]
    assert facts["lanes"] == {lane: int(listed["lane"].eq(lane).sum()) for lane in LANES}
    assert sum(facts["lanes"].values()) == len(listed)
    for name, described in LANE_LISTS.items():
        found = ids(folder, name)
        assert len(set(found)) == len(found)
        its = listed["lane"].eq(described.lane)
        if described.phone is not None:
            its &= listed["use_channel"].eq("phone") == described.phone
        assert set(found) == set(listed["customer_id"][its])
    assert min(facts["lanes"][lane] for lane in ("call", "fix", "service", "suppressed")) > 0
    rule = listed["lane_rule"].isna()
    assert (rule == listed["lane"].isin(["call", "fix", "service"])).all()


@pytest.mark.promise("barred")
def test_nobody_on_the_call_list_is_barred_held_out_or_a_loss(demo, published, listed):
    called = listed[listed["lane"] == "call"]
    assert (called["arm"] == "treat").all()
    assert (called["expected_value"] > 0).all()
    assert called["contact_block_reason"].isna().all()
    phone, write = (
        pd.read_parquet(published.publication.folder / f"{name}_list.parquet")
        for name in ("call", "write")
    )
    both = pd.concat([phone, write]).sort_values("call_rank")
    assert both["call_rank"].tolist() == list(range(1, len(called) + 1))
    assert both["expected_value"].is_monotonic_decreasing
    assert both["minutes"].sum() <= load_settings(demo.config).list.capacity_minutes
    hours = phone[["call_from", "call_until"]]
    assert hours.drop_duplicates().to_numpy().tolist() == [["09:00", "21:00"]]
    assert phone["contact_allowed_phone"].all()
    assert not {"call_from", "call_until"} & set(write)
    assert set(write["minutes"][write["use_channel"] == "email"]) == {3}
    assert min(len(phone), len(write)) > 0
    for at, rows in both.groupby("use_channel"):
        assert rows[f"contact_allowed_{at}"].all()
    liked = both["preferred_channel"].isin(["phone", "email", "sms", "post"])
    allowed = both.apply(lambda row: bool(row.get(f"contact_allowed_{row.preferred_channel}")), 1)
    at_will = both[liked & allowed]
    assert (at_will["use_channel"] == at_will["preferred_channel"]).all()
    tables = demo.data / "tables"
    barred = duckdb.sql(
        f"""select customer_id from '{tables}/contact_bars.parquet'
            where lifted_at is null and (reason = 'vulnerable' or channel is null)
        union select customer_id from '{tables}/complaints.parquet' where closed_at is null
        union select customer_id from '{tables}/treatments.parquet'
            where (contacted or arm <> 'holdout') and treated_at > date '{demo.as_of}' - 29"""
    ).fetchall()
    assert len(barred) > 50
    assert not {row[0] for row in barred} & set(called["customer_id"])
    phoned = set(phone["customer_id"])
    reserved = duckdb.sql(
        f"select customer_id from '{tables}/reservations.parquet' where reserved_phone"
    ).fetchall()
    assert phoned
    assert not {row[0] for row in reserved} & phoned
    homes = called["customer_id"].map(households(demo)).dropna()
    assert not homes.duplicated().any()
    by_home = listed.groupby(listed["customer_id"].map(households(demo)))
    assert by_home["arm"].nunique().max() == 1
    assert by_home["lane_rule"].apply(lambda rules: rules.eq("holdout").sum()).max() == 1


def households(demo) -> dict[str, str | None]:
    rows = duckdb.sql(
        f"""select distinct on (customer_id) customer_id, household_id
        from '{demo.data}/tables/households.parquet' where valid_from <= date '{demo.as_of}'
        order by customer_id, valid_from desc"""
    ).fetchall()
    return dict(rows)


def test_the_arm_is_the_keyed_hash_and_the_key_is_nowhere_told(demo, published, listed):
    key = (demo.var / "holdout.key").read_bytes().strip()
    home = households(demo)
    for row in listed.head(200).itertuples():
        unit = home.get(row.customer_id) or row.customer_id
        drawn = hmac.new(key, b"stille arm\0" + unit.encode(), hashlib.sha256)
        share = int.from_bytes(drawn.digest()[:8], "big") / 2**64
        assert row.arm == ("holdout" if share < 0.1 else "treat")
    told = verify(published.publication.folder)["stille"]["arms"]
    counted = listed.groupby(["risk_band", "arm"]).size()
    assert {(b, a): n for b, arms in told.items() for a, n in arms.items() if n} == dict(counted)
    written = [*demo.out.rglob("*.json"), *(demo.var / "runs").glob("*.json")]
    assert not [path for path in written if key in path.read_bytes()]


def test_the_first_night_has_nothing_to_compare_with(published, listed):
    assert pd.read_parquet(published.publication.folder / "changes.parquet").empty
    assert (listed["is_new"] == (listed["lane"] == "call")).all()
    assert (listed["nights_on_list"] == listed["lane"].eq("call")).all()
    assert listed["risk_change_7d"].isna().all()


def test_the_next_night_tells_what_is_different_and_why(demo, published, listed, copied):
    """Without new rows only time can move anybody; a no that comes meanwhile does too."""
    config = demo.config_in(copied, copied / "data", list=demo.document["list"])
    said_no = listed[listed["lane"] == "call"]["customer_id"].iloc[0]
    path = copied / "data" / "tables" / "contact_bars.parquet"
    bars = duckdb.sql(f"from '{path}'").df()
    new = {"bar_id": "new", "customer_id": said_no, "reason": "opted_out"}
    bars = pd.concat([bars, pd.DataFrame([{**new, "barred_at": pd.Timestamp(demo.as_of)}])])
    duckdb.sql(f"copy (from bars) to '{path}' (format parquet)")
    night = NIGHTLY.start(config, demo.as_of + timedelta(days=1))
    now = pd.read_parquet(night.publication.folder / "risk_list.parquet").set_index("customer_id")
    before = listed.set_index("customer_id")
    assert (now["arm"] == before["arm"].reindex(now.index)).all()
    changes = pd.read_parquet(night.publication.folder / "changes.parquet")
    both = before[["lane"]].join(now[["lane"]].rename(columns={"lane": "now"}), how="outer")
    moved = both[both["lane"].fillna("none") != both["now"].fillna("none")]
    assert changes["customer_id"].tolist() == sorted(moved.index)
    told = changes.set_index("customer_id")
    assert told.loc[said_no, "lane_now"] == "suppressed"
    assert told.loc[said_no, "rule_now"] == "opted_out"
    assert told.loc[said_no, "cause"] == "event;permission"
    assert told.loc[said_no, "events"] == "contact_bars 1"
    assert not told.drop(index=said_no)["cause"].str.contains("event|model|conf|key").any()
    stayed = now[now["lane"].eq("call") & before["lane"].reindex(now.index).eq("call")]
    # The next day is a Saturday, on which nobody is phoned: who was written to is still on it.
    written = before.index[before["lane"].eq("call") & before["use_channel"].ne("phone")]
    assert len(stayed.index.intersection(written)) > 0.8 * len(written)
    assert set(stayed["nights_on_list"]) == {2}
    assert not stayed["is_new"].any()
    assert set(now["nights_on_list"][now["is_new"]]) <= {1}


def test_a_night_that_cannot_read_permissions_calls_nobody_and_is_made_again(
    demo, published, copied
):
    config = demo.config_in(copied, copied / "data")
    shutil.rmtree(copied / "out")
    bars = copied / "data" / "tables" / "contact_bars.parquet"
    kept = bars.read_bytes()

    def step(function, *args):
        found = function(*args)
        if function.__name__ == "score_cohort":
            bars.write_bytes(kept[: len(kept) // 2])
        return found

    night = NIGHTLY.start(config, demo.as_of, step)
    bars.write_bytes(kept)
    facts = verify(night.publication.folder)["stille"]
    assert (facts["lanes"]["call"], facts["permissions_read"]) == (0, False)
    assert "contact_bars" in facts["permissions_refusal"]
    rows = pd.read_parquet(night.publication.folder / "risk_list.parquet")
    assert not rows[[f"contact_allowed_{channel}" for channel in CONTACT_CHANNELS]].any(axis=None)
    assert rows["lane"].isin(["fix", "service"]).any()
    again = NIGHTLY.start(config, demo.as_of)
    assert again.written
    assert verify(again.publication.folder)["stille"]["lanes"]["call"] > 0
    assert not NIGHTLY.start(config, demo.as_of).written
