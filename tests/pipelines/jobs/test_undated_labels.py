"""Real contacts and complaints without labels: what is read of them, and what is counted.

Every expected figure is made from the raw file by plain pandas, or was read off its rows.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

from features.errors import ContractError
from pipelines.config.settings import Settings, load_settings
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.snapshots.snapshot import Snapshot, take_snapshot

CALLS = "anonymous_bank_feb1999/data_anonymous_bank_february.txt"
COMPLAINTS = "cable_complaints_mc/cable-complaints.csv"
AS_OFS = {
    "bank": (date(1999, 2, 15), date(1999, 2, 24), date(1999, 3, 15)),
    "cable": (date(2003, 1, 1), date(2005, 10, 10), date(2016, 1, 1)),
}


@dataclass(frozen=True, slots=True)
class Read:
    """One set as the pipeline reads it; the matrix is keyed by as-of date and customer."""

    settings: Settings
    snapshot: Snapshot
    matrix: pd.DataFrame


@pytest.fixture(scope="module")
def memory() -> dict[str, Read]:
    return {}


@pytest.fixture
def read(memory, root, example_data, monkeypatch, tmp_path_factory):
    """Read a set once: its snapshot and, without any labels, its matrix."""

    def get(name: str) -> Read:
        if name not in memory:
            folder = tmp_path_factory.mktemp(name)
            monkeypatch.setenv("STILLE__PATHS__VAR", str(folder / "var"))
            settings = load_settings(root / "configs" / "examples" / f"{name}.yaml")
            snapshot = take_snapshot(settings, folder / "snapshot")
            job = MatrixJob(catalog_of(settings.sources, snapshot), AS_OFS[name])
            parts = build_matrix(settings, snapshot, job, folder / "matrix", lambda: None)
            matrix = pd.concat(pd.read_parquet(part.features) for part in parts)
            memory[name] = Read(settings, snapshot, matrix.set_index(["as_of", "customer_id"]))
        return memory[name]

    return get


@cache
def known_calls(path: Path) -> pd.DataFrame:
    """The raw calls of identified customers that are not to be ignored."""
    raw = pd.read_csv(path, sep="\t", dtype=str)
    identified = raw["customer_id"].str.fullmatch("[0-9]+") & (raw["customer_id"] != "0")
    kept = raw[identified & (raw["outcome"] != "PHANTOM")].copy()
    kept["at"] = pd.to_datetime(kept["date"] + kept["vru_entry"], format="%y%m%d%H:%M:%S")
    kept["wait"] = kept["q_time"].astype(int)
    return kept


@pytest.fixture
def calls(example_data) -> pd.DataFrame:
    return known_calls(example_data / CALLS)


@pytest.fixture
def complaints(example_data) -> pd.DataFrame:
    raw = pd.read_csv(example_data / COMPLAINTS, dtype=str)
    opened, closed = raw["Date of Complaint"], raw["Date of Closure"]
    return pd.DataFrame(
        {
            "company": raw["Cable Provider"],
            "opened": pd.to_datetime(opened, format="%m/%d/%Y"),
            "closed": pd.to_datetime(closed, format="%m/%d/%Y"),
        }
    )


def columns_of(source: dict[str, object]) -> set[str]:
    named: set[str] = {*source.get("rows_with", ()), *source.get("rows_without", {})}
    for origin in source["columns"].values():
        given = origin if isinstance(origin, dict) else {"column": origin}
        named |= {*given.get("columns", ()), given.get("column")} - {None}
    return named | set(source.get("dropped", {}))


@pytest.mark.parametrize(
    ("name", "path", "sign"), [("bank", CALLS, "\t"), ("cable", COMPLAINTS, ",")]
)
def test_every_source_column_is_mapped_or_dropped_with_a_reason(
    root, example_data, name, path, sign
):
    written = yaml.safe_load((root / "configs" / "examples" / f"{name}.yaml").read_text("utf-8"))
    sources = written["sources"].values()
    assert {source["path"] for source in sources} == {path}
    header = set(pd.read_csv(example_data / path, sep=sign, nrows=0).columns)
    assert set().union(*map(columns_of, sources)) == header
    assert all(reason for source in sources for reason in source.get("dropped", {}).values())


def test_the_bank_s_calls_become_contacts(read, calls):
    tables = read("bank").snapshot.tables
    assert {name: facts.rows for name, facts in tables.items()} == {
        "customers": 4_012,
        "contacts": 13_543,
    }
    assert not any(facts.quarantined for facts in tables.values())
    assert not any(facts.unread for facts in tables.values())
    assert len(calls) == 13_543
    assert calls["customer_id"].nunique() == 4_012


def test_a_call_is_one_contact_with_its_instant_in_utc(read, calls):
    rows = pd.read_parquet(read("bank").snapshot.path("contacts", 0)).set_index("contact_id")
    assert rows.index.is_unique
    # Row 20257 of the file: AA0203, call 35408, 13 February, 19:46:14 in Israel's winter time.
    row = rows.loc["AA0203-35408"]
    assert row["started_at"] == pd.Timestamp("1999-02-13 17:46:14")
    assert (row["customer_id"], row["topic"], row["wait_seconds"]) == ("31915382", "NE", 121)
    assert (row["channel"], row["direction"], row["abandoned"]) == ("phone", "inbound", False)
    expected = calls.set_index(calls["vru+line"] + "-" + calls["call_id"])
    local = expected["at"] - pd.Timedelta(hours=2)
    pd.testing.assert_series_equal(
        rows["started_at"].astype("datetime64[us]").sort_index(),
        local.astype("datetime64[us]").sort_index(),
        check_names=False,
    )
    assert rows["abandoned"].sum() == (calls["outcome"] == "HANG").sum() == 1_837


def counted(calls: pd.DataFrame, customer: str, as_of: date) -> dict[str, float]:
    """What a customer's own calls amount to at local midnight of ``as_of``."""
    now = pd.Timestamp(as_of)
    own = calls[(calls["customer_id"] == customer) & (calls["type"] != "TT")]
    own = own[own["at"] < now].sort_values("at")
    gap = own.groupby("type")["at"].diff()
    found: dict[str, float] = {}
    for days in (30, 90):
        late = own["at"] >= now - pd.Timedelta(days=days)
        waits = sorted(own.loc[late, "wait"])
        found |= {
            f"contacts_{days}d": len(waits),
            f"wait_max_{days}d": waits[-1] if waits else float("nan"),
            f"abandoned_{days}d": (own.loc[late, "outcome"] == "HANG").sum(),
            f"repeats_7d_count_{days}d": (gap[late] <= pd.Timedelta(days=7)).sum(),
            f"repeats_30d_count_{days}d": (gap[late] <= pd.Timedelta(days=30)).sum(),
        }
    # The smallest wait that nine tenths of the calls do not exceed.
    rank = -(-9 * len(waits) // 10)
    return found | {"wait_p90_90d": waits[rank - 1] if waits else float("nan")}


# In order: two topics and seven-day limits, returned calls, gaps of weeks, ignored calls,
# two priorities, a topic of one call, and a returned call after one given up.
FEW = ("4187381", "31915382", "22013551", "11766979", "55632665", "37620408", "14055719")


@pytest.mark.parametrize("as_of", AS_OFS["bank"])
def test_waits_and_repeats_are_those_of_the_raw_calls(read, calls, as_of):
    busiest = calls["customer_id"].value_counts().index[:20]
    matrix = read("bank").matrix.loc[as_of]
    for customer in (*FEW, *busiest):
        expected = counted(calls, customer, as_of)
        given = {name: float(matrix.loc[customer, name]) for name in expected}
        assert given == pytest.approx(expected, nan_ok=True), customer


READ_BY_EYE = [
    # Rows 12315 to 21082 of the file, 13 calls, from 13 February on 9 of them. On the topic NE,
    # 11 follow another; 3 to 11 and 18 to 25 February are some hours more than 7 days.
    (
        "4187381",
        date(1999, 3, 15),
        {
            "contacts_90d": 13,
            "contacts_30d": 9,
            "wait_max_90d": 195,
            "wait_p90_90d": 140,
            "abandoned_90d": 3,
            "abandoned_30d": 1,
            "repeats_7d_count_90d": 9,
            "repeats_7d_count_30d": 8,
            "repeats_30d_count_90d": 11,
        },
    ),
    # 12 calls of the customer's own; the 5 that the bank returned are none of them.
    (
        "31915382",
        date(1999, 3, 15),
        {
            "contacts_90d": 12,
            "wait_max_90d": 477,
            "wait_p90_90d": 150,
            "abandoned_90d": 5,
            "repeats_7d_count_90d": 10,
            "repeats_30d_count_90d": 10,
        },
    ),
    # Calls on 10, 14 and 23 February; the five of 24 to 28 February lie ahead.
    (
        "22013551",
        date(1999, 2, 24),
        {
            "contacts_90d": 3,
            "wait_max_90d": 54,
            "wait_p90_90d": 54,
            "abandoned_90d": 0,
            "repeats_7d_count_90d": 1,
            "repeats_30d_count_90d": 2,
        },
    ),
]


@pytest.mark.parametrize(("customer", "as_of", "expected"), READ_BY_EYE)
def test_waits_and_repeats_are_what_a_reader_of_the_rows_counts(read, customer, as_of, expected):
    row = read("bank").matrix.loc[(as_of, customer)]
    assert {name: row[name] for name in expected} == expected


def test_only_the_bank_s_returned_calls_are_its_own_contacts(read, calls):
    last = AS_OFS["bank"][-1]
    matrix = read("bank").matrix.loc[last]
    returned = calls[calls["type"] == "TT"].groupby("customer_id")["at"].max()
    days = (pd.Timestamp(last) - returned.dt.normalize()).dt.days
    given = matrix["days_since_outreach"].dropna().astype(int)
    assert given.to_dict() == days.to_dict()


def agents(example_data) -> set[str]:
    names = set(pd.read_csv(example_data / CALLS, sep="\t", dtype=str)["server"])
    return {name for name in names if name != "NO_SERVER"}


def test_no_employee_s_name_is_in_the_snapshot_or_the_matrix(read, example_data):
    found = read("bank")
    names = agents(example_data)
    assert len(names) > 20
    assert "server" not in found.matrix.columns
    for path in found.snapshot.root.rglob("*.parquet"):
        rows = pd.read_parquet(path)
        assert "server" not in rows.columns
        assert not any(rows[column].isin(names).any() for column in rows.select_dtypes("str"))


def test_no_employee_s_name_is_in_the_quarantine(root, example_data, monkeypatch, tmp_path):
    text = (example_data / CALLS).read_bytes().decode()
    broken = re.sub(r"\t59\tAGENT\t", "\tlong\tAGENT\t", text)
    copy = tmp_path / "data" / CALLS
    copy.parent.mkdir(parents=True)
    copy.write_bytes(broken.encode())
    monkeypatch.setenv("STILLE_EXAMPLE_DATA", str(tmp_path / "data"))
    settings = load_settings(root / "configs" / "examples" / "bank.yaml")
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    set_aside = dict(snapshot.tables["contacts"].quarantined)
    assert set(set_aside) == {"wait_seconds: unreadable"}
    path = snapshot.root / "quarantine" / "contacts.csv"
    rows = pd.read_csv(path, dtype=str)
    assert len(rows) == set_aside["wait_seconds: unreadable"] > 20
    assert {"date", "vru_entry", "vru+line", "call_id"} <= set(rows.columns)
    assert "server" not in rows.columns
    words = set(re.findall(r"\w+", path.read_text("utf-8")))
    assert not words & (agents(example_data) | {"NO_SERVER"})


@pytest.mark.parametrize(
    "origin", ["server", {"columns": ["type", "server"]}, {"columns": ["server", "type"]}]
)
def test_the_employee_s_name_cannot_be_mapped(root, example_data, tmp_path, origin):
    document = yaml.safe_load((root / "configs" / "examples" / "bank.yaml").read_text("utf-8"))
    document["sources"]["contacts"]["columns"]["topic"] = origin
    path = tmp_path / "bank.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ContractError, match="'server' is a forbidden column"):
        take_snapshot(load_settings(path), tmp_path / "snapshot")


def test_the_complaints_become_cases(read, complaints):
    tables = read("cable").snapshot.tables
    for name in ("cases", "complaints"):
        facts = tables[name]
        assert (facts.rows, facts.source_rows) == (23_968, 23_969)
        assert dict(facts.quarantined) == {"customer_id: missing": 1}
        assert facts.profile.orders["closed_at before opened_at"].rows == 27
        # 10 are missing, 16 are 1/1/9999.
        assert facts.profile.columns["closed_at"].nulls == 26
        assert facts.null_dates == {"closed_at": 16}
        assert not facts.unread
    assert (complaints["closed"] < complaints["opened"]).sum() == 27
    assert tables["customers"].rows == complaints["company"].nunique() == 12
    ahead = duckdb.execute(
        f"select year(closed_at) from '{read('cable').snapshot.path('cases', 0)}' "
        "where closed_at > date '2019-12-31'"
    ).fetchall()
    assert ahead == [(2045,)]


@pytest.mark.parametrize("as_of", AS_OFS["cable"])
def test_open_cases_are_those_of_the_raw_complaints(read, complaints, as_of):
    now = pd.Timestamp(as_of)
    matrix = read("cable").matrix.loc[as_of]
    made = complaints[complaints["opened"] < now]
    for company in sorted(complaints["company"].dropna().unique()):
        own = made[made["company"] == company]
        still_open = own[~(own["closed"] < now)]
        late = still_open["opened"] >= now - pd.Timedelta(days=365)
        days = 0 if still_open.empty else (now - still_open["opened"].min()).days
        expected = {
            "open_cases": len(still_open),
            "open_case_days": days,
            "unresolved_cases_365d": late.sum(),
            "complaints_365d": (own["opened"] >= now - pd.Timedelta(days=365)).sum(),
            "open_complaints": len(still_open),
            "open_complaint_days": days,
        }
        assert {name: matrix.loc[company, name] for name in expected} == expected, company


@pytest.mark.parametrize(
    ("company", "as_of", "expected"),
    [
        # Ten complaints by then. Those of 3 and 7 October are open; the latter closed that day.
        ("Starpower/RCN", date(2005, 10, 10), (2, 7, 2, 10)),
        # Those whose closing is written as 1/1/9999, of 2 February to 22 December 2006.
        ("RCN", date(2016, 1, 1), (16, 3_620, 0, 18)),
        # Closed in January 2003: one of 19 November, three of 23 and one of 26 December.
        ("Starpower", date(2003, 1, 1), (5, 43, 5, 76)),
        # One complaint ever, of 24 March 2000, closed on 1 November 2000.
        ("Star Power", date(2003, 1, 1), (0, 0, 0, 0)),
    ],
)
def test_open_cases_are_what_a_reader_of_the_rows_counts(read, company, as_of, expected):
    row = read("cable").matrix.loc[(as_of, company)]
    names = ["open_cases", "open_case_days", "unresolved_cases_365d", "complaints_365d"]
    assert tuple(row[names]) == expected


def test_a_set_without_labels_gives_no_outcomes(read):
    for name in AS_OFS:
        assert not {"label", "outcome"} & set(read(name).matrix.columns)
        assert "labels" not in read(name).settings.sources
