import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from trees import tree

from features.contract import TABLES, Column
from features.errors import BusyError, ConfigError, ContractError
from pipelines.snapshots.facts import check_report, inputs_digest, read_snapshot, verify_snapshot
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.snapshots.store import NEWEST, fresh_staging, previous_snapshot
from pipelines.snapshots.typed_rows import shard_of

CASES = "case_id,customer_id,opened_at,known_at\n"
LEVELS = "kunde,avtale,fra,pris\n"
PRICES = {
    "path": "p.csv",
    "levels": True,
    "columns": {
        "customer_id": "kunde",
        "contract_id": "avtale",
        "effective_on": "fra",
        "new_price": "pris",
    },
}
HUNDRED = "customer_id,joined_on\n" + "".join(f"c{n:03},2020-01-01\n" for n in range(100))


def at(written):
    return datetime.fromisoformat(written)


@pytest.fixture
def into(tmp_path):
    return tmp_path / "snapshot"


def rows(snapshot, table, columns="*", shard=0):
    return duckdb.execute(f"select {columns} from '{snapshot.path(table, shard)}'").fetchall()


def columns(path):
    described = duckdb.execute(
        f"describe from read_parquet('{path}', hive_partitioning=false)"
    ).fetchall()
    return [(row[0], row[1]) for row in described]


def test_every_file_has_the_whole_contract_and_both_instants(company, into):
    snapshot = take_snapshot(
        company({"c.csv": CASES + "a,1,2026-01-01 10:00:00,\n"}, {"cases": {"path": "c.csv"}}), into
    )
    assert columns(snapshot.path("cases", 0)) == [
        ("case_id", "VARCHAR"),
        ("customer_id", "VARCHAR"),
        ("opened_at", "TIMESTAMP"),
        ("topic", "VARCHAR"),
        ("promised_on", "DATE"),
        ("closed_at", "TIMESTAMP"),
        ("resolved", "BOOLEAN"),
        ("reopened_at", "TIMESTAMP"),
        ("reclosed_at", "TIMESTAMP"),
        ("event_at", "TIMESTAMP"),
        ("known_at", "TIMESTAMP"),
    ]
    facts = snapshot.tables["cases"]
    assert facts.columns == ("case_id", "customer_id", "opened_at")
    assert set(facts.columns) | set(facts.absent) == {c.name for c in TABLES["cases"].columns}


def test_customers_are_dealt_to_shards_and_their_rows_follow(company, into):
    events = "".join(f"k{n},c{n % 100:03},2026-01-01 10:00:{n % 60:02},\n" for n in range(300))
    settings = company(
        {"customers.csv": HUNDRED, "c.csv": CASES + events},
        {"cases": {"path": "c.csv"}},
        engine={"shard_size": 30, "threads": 1},
    )
    snapshot = take_snapshot(settings, into)
    assert snapshot.shards == 4
    seen = []
    for shard in range(4):
        customers = [row[0] for row in rows(snapshot, "customers", "customer_id", shard)]
        assert customers == sorted(customers)
        assert all(
            duckdb.execute(f"select {shard_of('?', 4)}", [c]).fetchall() == [(shard,)]
            for c in customers
        )
        cases = rows(snapshot, "cases", "customer_id, event_at", shard)
        assert {row[0] for row in cases} == set(customers)
        assert cases == sorted(cases)
        seen += customers
    assert sorted(seen) == [f"c{n:03}" for n in range(100)]


def test_dimensions_are_whole_and_an_empty_shard_still_has_its_file(company, into):
    files = {
        "customers.csv": HUNDRED,
        "l.csv": "plan_id,product_line,valid_from,price,campaign\n"
        "a,broadband,2026-01-01,499,true\n",
        "c.csv": CASES + "k1,c001,2026-01-01 10:00:00,\n",
    }
    sources = {"price_list": {"path": "l.csv"}, "cases": {"path": "c.csv"}}
    snapshot = take_snapshot(company(files, sources, engine={"shard_size": 50}), into)
    assert snapshot.path("price_list", 1) == snapshot.root / "price_list" / "all.parquet"
    assert len(rows(snapshot, "price_list")) == 1
    assert sorted(len(rows(snapshot, "cases", shard=n)) for n in range(2)) == [0, 1]


def test_known_at_is_mapped_or_delayed_and_never_before_the_event(company, into):
    content = CASES + (
        "a,1,2026-01-10 10:00:00,2026-01-12 10:00:00\n"
        "b,1,2026-01-10 10:00:00,2026-01-01 10:00:00\n"
        "c,1,2026-01-10 10:00:00,\n"
    )
    source = {"path": "c.csv", "timezone": "UTC", "known_delay_days": 3}
    snapshot = take_snapshot(company({"c.csv": content}, {"cases": source}), into)
    found = dict(rows(snapshot, "cases", "case_id, known_at"))
    assert found == {
        "a": at("2026-01-12 10:00"),
        "b": at("2026-01-10 10:00"),
        "c": at("2026-01-13 10:00"),
    }


def test_a_price_change_happens_at_its_notice_or_else_when_in_force(company, into):
    content = (
        "change_id,customer_id,notified_on,effective_on,old_price,new_price\n"
        "a,1,2026-01-01,2026-02-01,1,2\nb,1,,2026-02-01,1,2\nc,1,2026-03-01,2026-02-01,1,2\n"
    )
    snapshot = take_snapshot(
        company({"p.csv": content}, {"price_changes": {"path": "p.csv", "timezone": "UTC"}}), into
    )
    found = dict(rows(snapshot, "price_changes", "change_id, event_at"))
    assert found == {
        "a": at("2025-12-31 23:00"),
        "b": at("2026-01-31 23:00"),
        "c": at("2026-01-31 23:00"),
    }


def test_a_customer_without_a_date_has_always_been_there(company, into):
    snapshot = take_snapshot(company({"customers.csv": "customer_id\n1\n"}), into)
    assert rows(snapshot, "customers", "event_at, known_at") == [(at("1970-01-01 00:00"),) * 2]


def test_price_levels_become_changes(company, into):
    content = LEVELS + (
        "1,a,2026-03-01,12.5\n1,a,2026-01-01,10\n1,a,2026-02-01,10.00\n1,a,2026-04-01,9\n"
        "1,b,2026-02-15,99\n2,a,2026-01-01,5\n2,a,2026-05-01,6\n"
    )
    snapshot = take_snapshot(company({"p.csv": content}, {"price_changes": PRICES}), into)
    shown = "customer_id, contract_id, effective_on::varchar, old_price::float, new_price::float"
    assert rows(snapshot, "price_changes", shown + ", notified_on") == [
        ("1", "a", "2026-03-01", 10.0, 12.5, None),
        ("1", "a", "2026-04-01", 12.5, 9.0, None),
        ("2", "a", "2026-05-01", 5.0, 6.0, None),
    ]
    ids = [row[0] for row in rows(snapshot, "price_changes", "change_id")]
    assert len(set(ids)) == 3
    absent = {"notified_on", "reason_code", "reason_kind", "channel"}
    assert set(snapshot.tables["price_changes"].absent) == absent


def test_two_levels_of_one_day_are_refused(company, into):
    content = LEVELS + "1,a,2026-03-01,12\n1,a,2026-03-01,13\n"
    with pytest.raises(ContractError, match=r"repeated key .*: rows 2, 3"):
        take_snapshot(company({"p.csv": content}, {"price_changes": PRICES}), into)


def test_attributes_become_columns_of_the_customers(company, into):
    content = "customer_id,age,plan,renewed\n1,41.5,A,1970-01-11\n2,,?,\n"
    attributes = {
        "age": {"column": "age", "type": "number"},
        "plan": {"column": "plan", "type": "category", "values": {"A": "basic"}},
        "renewed": {"column": "renewed", "type": "number", "as_days": True},
    }
    source = {"path": "customers.csv", "attributes": attributes, "dialect": {"nulls": ["", "?"]}}
    snapshot = take_snapshot(company({"customers.csv": content}, {"customers": source}), into)
    assert rows(snapshot, "customers", "attr_age, attr_plan, attr_renewed") == [
        (41.5, "basic", 10.0),
        (None, None, None),
    ]
    assert dict(columns(snapshot.path("customers", 0)))["attr_renewed"] == "DOUBLE"


def test_events_more_than_a_day_after_the_night_are_set_aside(company, into):
    times = ["2026-01-11 23:59:59", "2026-01-12 00:00:00"]
    content = CASES + "".join(f"k{n},1,{time},\n" for n, time in enumerate(times))
    settings = company(
        {"c.csv": content}, {"cases": {"path": "c.csv"}}, quality={"max_quarantine_share": 0.5}
    )
    snapshot = take_snapshot(settings, into, as_of=date(2026, 1, 11))
    assert snapshot.tables["cases"].quarantined == {"event_at: in the future": 1}
    assert rows(snapshot, "cases", "case_id") == [("k0",)]
    later = take_snapshot(settings, into, as_of=date(2026, 1, 12))
    assert later.tables["cases"].rows == 2


def test_a_contract_may_start_after_the_night(company, into):
    content = "contract_id,customer_id,product_line,started_on\nk,1,alarm,2026-03-01\n"
    settings = company({"c.csv": content}, {"contracts": {"path": "c.csv"}})
    snapshot = take_snapshot(settings, into, as_of=date(2026, 1, 11))
    assert snapshot.tables["contracts"].quarantined == {}
    assert snapshot.tables["contracts"].rows == 1


def test_events_of_a_set_aside_customer_are_orphans(company, into):
    files = {
        "customers.csv": "customer_id,joined_on\n1,2020-01-01\n2,never\n",
        "c.csv": CASES + "a,1,2026-01-10 10:00:00,\nb,2,2026-01-10 10:00:00,\n",
    }
    settings = company(files, {"cases": {"path": "c.csv"}}, quality={"max_quarantine_share": 0.5})
    snapshot = take_snapshot(settings, into)
    assert snapshot.tables["customers"].quarantined == {"joined_on: unreadable": 1}
    assert snapshot.tables["cases"].quarantined == {"customer_id: not in customers": 1}


def test_that_a_customer_has_always_been_there_is_no_event(company, into):
    rows = "customer_id,joined_on\n1,\n2,2021-06-01\n3,\n"
    facts = take_snapshot(company({"customers.csv": rows}), into).tables["customers"]
    assert str(facts.first_event) == str(facts.last_event) == "2021-05-31 22:00:00"
    never = company({"customers.csv": "customer_id\n1\n"})
    facts = take_snapshot(never, into).tables["customers"]
    assert (facts.first_event, facts.last_event) == (None, None)


@pytest.mark.parametrize("shard_size", [50_000, 1])
def test_a_key_is_answered_by_the_customer_s_own_rows_only(company, into, shard_size):
    day = "2024-01-10 10:00:00"
    files = {
        "i.csv": "invoice_id,customer_id,issued_on,amount\na,1,2024-01-01,5\nb,2,2024-01-01,5\n",
        "p.csv": "payment_id,customer_id,invoice_id,paid_on\n"
        + "".join(f"p{c}{i},{c},{i},2024-01-10\n" for c in "12" for i in ("a", "c", "")),
        "f.csv": f"incident_id,customer_id,started_at\nf,1,{day}\n",
        "n.csv": f"notification_id,customer_id,sent_at,incident_id\nn,2,{day},f\nm,2,{day},g\n",
    }
    names = {"i": "invoices", "p": "payments", "f": "incidents", "n": "notifications"}
    sources = {name: {"path": f"{file}.csv"} for file, name in names.items()}
    found = take_snapshot(company(files, sources, engine={"shard_size": shard_size}), into).tables
    assert found["payments"].profile.orphans == {
        "invoice_id not in invoices": 2,
        "invoice_id of another customer in invoices": 1,
    }
    assert found["notifications"].profile.orphans == {"incident_id not in incidents": 1}


def test_an_unchanged_snapshot_is_reused_and_a_changed_one_is_not(company, into, tmp_path):
    settings = company()
    told = []
    first = take_snapshot(settings, into, told.append)
    assert take_snapshot(settings, into, told.append) == first
    assert told == ["customers"]
    first.path("customers", 0).unlink()
    assert take_snapshot(settings, into, told.append).digest == first.digest
    assert first.path("customers", 0).is_file()
    (tmp_path / "data" / "customers.csv").write_text("customer_id\n3\n")
    assert take_snapshot(settings, into, told.append).digest != first.digest
    assert told == ["customers"] * 3
    assert [row[0] for row in rows(previous_snapshot(into), "customers")] == ["3"]


def test_a_changed_mapping_makes_a_new_snapshot(company, into):
    first = take_snapshot(company(), into)
    delayed = {"customers": {"path": "customers.csv", "known_delay_days": 1}}
    second = take_snapshot(company(sources=delayed), into)
    assert first.digest != second.digest


def test_another_contract_makes_a_new_snapshot(company, into, monkeypatch):
    first = take_snapshot(company(), into)
    new = Column("colour", "A column that a later version knows.", "text")
    customers = TABLES["customers"]
    changed = replace(customers, columns=(*customers.columns, new))
    tables = dict(TABLES) | {"customers": changed}
    for module in ("snapshot", "writing_tables"):
        monkeypatch.setattr(f"pipelines.snapshots.{module}.TABLES", tables)
    second = take_snapshot(company(), into)
    assert first.digest != second.digest
    assert "colour" in dict(columns(second.path("customers", 0)))


@pytest.mark.fault(25)
def test_an_input_replaced_while_it_is_read_is_a_reason_to_wait(company, into, tmp_path):
    settings = company()

    def swapped(table):
        (tmp_path / "data" / f"{table}.csv").write_text("customer_id\n9\n")

    with pytest.raises(BusyError, match=r"customers\.csv: changed while it was read"):
        take_snapshot(settings, into, swapped)
    assert folders(into) == set()


def test_an_input_replaced_by_half_a_file_is_not_called_broken(company, into, tmp_path):
    settings = company()

    def truncate(table):
        (tmp_path / "data" / f"{table}.csv").write_text('customer_id,joined_on\n"9')

    with pytest.raises(BusyError):
        take_snapshot(settings, into, truncate)


def test_a_refused_night_keeps_the_last_snapshot_and_leaves_nothing_behind(company, into, tmp_path):
    first = take_snapshot(company(), into)
    before = tree(into)
    with pytest.raises(ContractError):
        take_snapshot(company({"customers.csv": "customer_id,joined_on\n1,x\n"}), into)
    assert folders(into) == {first.root.name, "refused"}
    assert {name: tree(into)[name] for name in before} == before
    assert previous_snapshot(into) == first
    second = take_snapshot(company({"customers.csv": "customer_id\n5\n"}), into)
    assert folders(into) == {first.root.name, second.root.name}
    assert {p.name for p in tmp_path.iterdir()} == {"config.yaml", "data", "snapshot", "var"}


def folders(store):
    return {path.name for path in store.iterdir()}


def of_customers(company, count):
    return company({"customers.csv": "customer_id\n" + "".join(f"{n}\n" for n in range(count))})


def test_a_snapshot_stays_as_it_is_while_it_is_read(company, into):
    mine = take_snapshot(of_customers(company, 3), into)
    before = tree(mine.root)
    for count in range(4, 4 + 2 * NEWEST):
        take_snapshot(of_customers(company, count), into)
    assert tree(mine.root) == before
    assert len(rows(mine, "customers")) == 3
    assert len(folders(into)) == NEWEST + 1
    gone = mine.root
    del mine
    take_snapshot(of_customers(company, 20), into)
    assert not gone.exists()
    assert len(folders(into)) == NEWEST


def test_what_the_published_lists_were_made_from_stays_once(company, into, monkeypatch):
    read = inputs_digest(take_snapshot(of_customers(company, 3), into))
    monkeypatch.setattr("pipelines.snapshots.snapshot.published_inputs", lambda _: read)
    days = [date(2024, 5, day) for day in range(1, 5)]
    roots = [take_snapshot(of_customers(company, 3), into, as_of=day).root for day in days]
    for count in range(4, 4 + 2 * NEWEST):
        take_snapshot(of_customers(company, count), into)
    assert [root.exists() for root in roots] == [False, False, False, True]
    assert len(folders(into)) == NEWEST + 1


def test_the_newest_is_the_one_that_was_let_through_last(company, into, monkeypatch):
    first = take_snapshot(of_customers(company, 3), into)
    monkeypatch.setattr(
        "pipelines.snapshots.store.time.time_ns", lambda: 10**18
    )  # a clock set back
    second = take_snapshot(of_customers(company, 4), into)
    assert previous_snapshot(into) == second
    assert take_snapshot(of_customers(company, 3), into) == first
    assert previous_snapshot(into) == first


ELSEWHERE = """
import sys, time
from pathlib import Path
from pipelines.config.settings import load_settings
from pipelines.snapshots.snapshot import take_snapshot
config, store, wait = sys.argv[1:]
taken = take_snapshot(load_settings(Path(config)), Path(store))
print(taken.root, flush=True)
time.sleep(float(wait))
"""


def elsewhere(config, into, wait=0):
    """Take a snapshot in another process, which then reads it for a while."""
    command = [sys.executable, "-c", ELSEWHERE, str(config), str(into), str(wait)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_another_process_reads_stays_until_it_is_killed(company, into, tmp_path):
    of_customers(company, 3)
    with elsewhere(tmp_path / "config.yaml", into, wait=60) as other:
        theirs = Path(other.stdout.readline().strip())
        before = tree(theirs)
        for count in range(4, 5 + NEWEST):
            take_snapshot(of_customers(company, count), into)
        assert tree(theirs) == before
        other.kill()
    take_snapshot(of_customers(company, 5 + NEWEST), into)
    assert not theirs.exists()
    assert len(folders(into)) == NEWEST


@pytest.mark.promise("together")
def test_two_runs_at_once_take_each_their_own(company, into):
    """While one run is in the middle of its tables, others take other tables, and the same."""
    settings = of_customers(company, 3)
    taken = []

    def others(_table):
        taken.append(take_snapshot(of_customers(company, 4), into))
        taken.append(take_snapshot(of_customers(company, 3), into))

    mine = take_snapshot(settings, into, others)
    theirs, alike = taken
    assert (len(rows(mine, "customers")), len(rows(theirs, "customers"))) == (3, 4)
    assert alike == mine
    assert folders(into) == {mine.root.name, theirs.root.name}
    for snapshot in (mine, theirs):
        verify_snapshot(snapshot)


@pytest.mark.fault(28)
def test_what_a_killed_run_left_is_cleared(company, into):
    for name in (".abc.staging", ".abc.removed"):
        (into / name / "scratch").mkdir(parents=True)
    take_snapshot(company(), into)
    assert not [name for name in folders(into) if name.startswith(".")]


def test_what_another_run_is_writing_is_left_to_it(company, into):
    staging, held = fresh_staging(into)
    take_snapshot(company(), into)
    assert staging.is_dir()
    del held
    take_snapshot(company(), into)
    assert not staging.exists()


@pytest.mark.promise("deterministic")
def test_the_order_of_rows_does_not_change_a_byte(company, into, tmp_path):
    lines = [f"k{n},c{n % 100:03},2026-01-{n % 28 + 1:02} 10:00:00,\n" for n in range(500)]
    sources = {"cases": {"path": "c.csv"}}

    def written(threads):
        files = {"customers.csv": HUNDRED, "c.csv": CASES + "".join(lines)}
        engine = {"shard_size": 40, "threads": threads}
        snapshot = take_snapshot(company(files, sources, engine=engine), into)
        root = snapshot.root
        return {p.relative_to(root): p.read_bytes() for p in root.rglob("*.parquet")}, snapshot

    first, snapshot = written(threads=1)
    lines = lines[200:] + lines[199::-1]
    second, other = written(threads=2)
    assert first == second
    assert snapshot.digest != other.digest


@pytest.mark.promise("stores")
def test_damage_to_a_written_file_is_found(company, into):
    snapshot = take_snapshot(company(), into)
    verify_snapshot(snapshot)
    path = snapshot.path("customers", 0)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ContractError, match="damaged since it was written"):
        verify_snapshot(snapshot)


@pytest.mark.promise("stores")
def test_a_damaged_snapshot_is_not_reused(company, into):
    told = []
    snapshot = take_snapshot(company(), into, told.append)
    path = snapshot.path("customers", 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + b"x" + whole[-8:])
    take_snapshot(company(), into, told.append)
    assert told == ["customers"] * 2
    assert path.read_bytes() == whole


@pytest.mark.promise("stores")
def test_a_flipped_bit_of_what_is_told_of_tables_is_never_believed(company, into):
    cases = CASES + "a,1,2026-01-10 10:00:00,\n"
    snapshot = take_snapshot(company({"c.csv": cases}, {"cases": {"path": "c.csv"}}), into)
    whole, path = read_snapshot(snapshot.root), snapshot.root / "snapshot.json"
    text = path.read_bytes()
    for at in range(0, len(text), 5):
        path.write_bytes(text[:at] + bytes([text[at] ^ 1 << at % 7]) + text[at + 1 :])
        with suppress(ContractError):
            assert read_snapshot(snapshot.root) == whole
    assert '"2026-01-10":1' in text.decode().replace(" ", "")


@pytest.mark.promise("bounded")
def test_too_little_memory_ends_cleanly(company, into):
    many = "customer_id\n" + "".join(f"{n}\n" for n in range(200_000))
    settings = company({"customers.csv": many}, engine={"memory_limit": "1MB", "threads": 1})
    with pytest.raises(ConfigError, match=r"engine\.memory_limit 1MB is too small"):
        take_snapshot(settings, into)
    assert folders(into) == set()


def test_no_snapshot_is_a_contract_error(tmp_path):
    with pytest.raises(ContractError, match="no snapshot here"):
        read_snapshot(tmp_path)


def test_the_report_has_a_row_per_table(company, into):
    content = (
        CASES + "a,1,2026-01-10 10:00:00,\nb,1,2026-02-10 10:00:00,\nc,77,2026-02-10 10:00:00,\n"
    )
    settings = company(
        {"c.csv": content}, {"cases": {"path": "c.csv"}}, quality={"max_quarantine_share": 0.5}
    )
    report = pd.DataFrame(check_report(take_snapshot(settings, into), date(2026, 2, 1))).set_index(
        "table"
    )
    assert report.loc["cases", "rows"] == 2
    assert report.loc["cases", "after_as_of"] == 1
    assert report.loc["cases", "quarantined"] == {"customer_id: not in customers": 1}
    assert report.loc["cases", "first_event"] == at("2026-01-10 09:00")
    assert report.loc["cases", "last_event"] == at("2026-02-10 09:00")
    given = {"customer_id", "joined_on"}
    others = {column.name for column in TABLES["customers"].columns} - given
    assert set(report.loc["customers", "absent"]) == others


def test_a_known_delay_is_of_local_days_across_a_clock_change(company, into):
    """A bill of the day of 25 hours is known at the next midnight, and counts a day after it."""
    bills = "invoice_id,customer_id,issued_on,amount\ni,1,2024-10-27,100\n"
    source = {"path": "i.csv", "known_delay_days": 1}
    snapshot = take_snapshot(company({"i.csv": bills}, {"invoices": source}), into)
    assert rows(snapshot, "invoices", "known_at") == [(at("2024-10-27 23:00"),)]
