"""Notices of other members of a household, held against a slow and plain reading of the rule."""

import itertools
from datetime import date, datetime, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ConfigError
from pipelines.snapshots.households import notices as notices_of
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.snapshots.typed_rows import shard_of

START = datetime.fromisoformat("2026-01-01")
PEOPLE = "abcd"


def day(number):
    return date(2026, 1, 1) + timedelta(days=number)


def moment(number):
    return START + timedelta(days=number)


def believed(memberships, customer, on, now):
    """Household of a customer on a day, as known at a moment."""
    known = [m for m in memberships if m[0] == customer and m[2] <= on and m[3] <= now]
    return max(known, key=lambda m: m[2])[1] if known else None


def expected(memberships, notices):
    """Every (contract, member) with the first moment at which the company could connect them."""
    moments = sorted({m[3] for m in memberships} | {n[3] for n in notices})
    found = {}
    for contract, leaver, on, known in notices:
        for other, now in itertools.product(PEOPLE, [t for t in moments if t >= known]):
            home = believed(memberships, leaver, on, now)
            same = home is not None and home == believed(memberships, other, on, now)
            if other != leaver and same and (contract, other) not in found:
                found[contract, other] = now
    return found


def derived(con, folder, memberships, notices):
    households = pa.table(
        {
            "customer_id": pa.array([m[0] for m in memberships], pa.string()),
            "household_id": pa.array([m[1] for m in memberships], pa.string()),
            "valid_from": pa.array([day(m[2]) for m in memberships], pa.date32()),
            "known_at": pa.array([moment(m[3]) for m in memberships], pa.timestamp("us")),
        }
    )
    terminations = pa.table(
        {
            "contract_id": pa.array([n[0] for n in notices], pa.string()),
            "customer_id": pa.array([n[1] for n in notices], pa.string()),
            "notified_on": pa.array([day(n[2]) for n in notices], pa.date32()),
            "outcome": pa.array(["voluntary"] * len(notices), pa.string()),
            "event_at": pa.array([moment(n[2]) for n in notices], pa.timestamp("us")),
            "known_at": pa.array([moment(n[3]) for n in notices], pa.timestamp("us")),
        }
    )
    for name, table in (("households", households), ("terminations", terminations)):
        path = folder / name / "shard=0" / "part.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
    con.execute(
        "create or replace temp table customer_shards as select unnest(['a', 'b', 'c', 'd']) "
        "as customer_id, 0 as _shard"
    )
    con.execute(f"create or replace temp table household_notices as {notices_of(folder)}")
    found = con.execute(
        "select notice_id, customer_id, event_at, known_at from household_notices"
    ).fetchall()
    assert len(found) == len({row[0] for row in found})
    return {(row[0].split("|")[0], row[1]): (row[3] - START).days for row in found}


DAYS = st.integers(0, 6)
MEMBERSHIPS = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["h", "i", None]), DAYS, DAYS),
    max_size=10,
    unique_by=lambda m: (m[0], m[2]),
).map(lambda rows: [(who, home, on, max(on, known)) for who, home, on, known in rows])
NOTICES = st.lists(
    st.tuples(st.sampled_from(PEOPLE), DAYS, DAYS), max_size=4, unique_by=lambda n: n[0]
).map(lambda rows: [(f"k{who}", who, on, max(on, known)) for who, on, known in rows])


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as opened:
        opened.execute("set TimeZone = 'UTC'")
        yield opened


@settings(max_examples=30)
@given(memberships=MEMBERSHIPS, notices=NOTICES)
def test_members_meet_a_notice_when_the_company_could_connect_them(
    con, tmp_path_factory, memberships, notices
):
    folder = tmp_path_factory.getbasetemp() / "homes"
    assert derived(con, folder, memberships, notices) == expected(memberships, notices)


@settings(max_examples=20)
@given(memberships=MEMBERSHIPS, notices=NOTICES, now=DAYS)
def test_what_becomes_known_later_changes_no_row_of_a_night(
    con, tmp_path_factory, memberships, notices, now
):
    folder = tmp_path_factory.getbasetemp() / "nights"
    later = derived(con, folder, memberships, notices)
    that_night = derived(
        con, folder, [m for m in memberships if m[3] < now], [n for n in notices if n[3] < now]
    )
    assert {row: known for row, known in later.items() if known < now} == that_night


FILES = {
    "customers.csv": "customer_id\n" + "".join(f"c{n}\n" for n in range(40)),
    "h.csv": "customer_id,household_id,valid_from,known_at\n"
    "c1,h,2026-01-01,2026-01-01 00:00:00\nc2,h,2026-01-01,2026-03-01 00:00:00\n"
    "c3,h,2026-01-01,2026-01-01 00:00:00\nc3,,2026-01-20,2026-01-20 00:00:00\n"
    "c4,other,2026-01-01,2026-01-01 00:00:00\nc5,h,2026-03-01,2026-03-01 00:00:00\n",
    "t.csv": "contract_id,customer_id,notified_on,effective_on,outcome\n"
    "k1,c1,2026-02-01,2026-03-01,voluntary\n",
}
SOURCES = {
    "households": {"path": "h.csv", "timezone": "UTC"},
    "terminations": {"path": "t.csv", "known_delay_days": 2},
}


def test_the_table_is_dealt_to_shards_with_both_instants(company, tmp_path):
    snapshot = take_snapshot(
        company(FILES, SOURCES, engine={"shard_size": 10}), tmp_path / "snapshot"
    )
    assert snapshot.shards == 4
    rows = [
        row
        for shard in range(4)
        for row in duckdb.execute(
            "select notice_id, customer_id, notified_on, outcome, event_at, known_at, "
            f"{shard_of('customer_id', 4)} = {shard} "
            f"from '{snapshot.path('household_notices', shard)}'"
        ).fetchall()
    ]
    event, known = (datetime.fromisoformat(t) for t in ("2026-01-31 23:00", "2026-03-01"))
    assert rows == [("k1|c2", "c2", date(2026, 2, 1), "voluntary", event, known, True)]
    facts = snapshot.tables["household_notices"]
    assert (facts.rows, facts.columns) == (
        1,
        ("notice_id", "customer_id", "notified_on", "outcome"),
    )


def test_there_is_no_table_without_either_source(company, tmp_path):
    settings = company(FILES, {"households": SOURCES["households"]})
    assert "household_notices" not in take_snapshot(settings, tmp_path / "snapshot").tables


def test_the_table_cannot_be_given(company):
    with pytest.raises(ConfigError, match=r"sources\.household_notices: never given: .* Made from"):
        company(FILES, {"household_notices": {"path": "h.csv"}})
