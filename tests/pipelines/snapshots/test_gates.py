"""Gates on the tables, and how a person lets them through."""

import shutil
from dataclasses import replace
from datetime import date, datetime

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trees import records, tree

from features.errors import ConfigError, ContractError, GateError
from pipelines.config.run import Run
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.run_record import RunRecord
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.gate_measures import FEWEST_ROWS, PreviousTables, measures
from pipelines.snapshots.profiling import ColumnProfile, TableProfile
from pipelines.snapshots.store import previous_snapshot
from pipelines.snapshots.unit_levels import unit_factor

DAY = date(2026, 3, 2)

INVOICES = "invoice_id,customer_id,issued_on,amount\n"
CONTACTS = "contact_id,customer_id,started_at,topic\n"


class Company:
    """Tables that are read night after night, with what the record says of each."""

    def __init__(self, make, folder):
        self.make, self.folder = make, folder
        self.sources = {
            "invoices": {"path": "i.csv"},
            "contacts": {"path": "k.csv", "timezone": "UTC"},
        }
        self.quality = {}
        self.files = {
            "customers.csv": customers(200),
            "i.csv": invoices({1: "100", 2: "100"}),
            "k.csv": contacts(300),
        }

    def read(self, day=DAY, *, accept=False, **files):
        self.files |= {name.replace("_", "."): content for name, content in files.items()}
        settings = self.make(self.files, self.sources, quality=self.quality)
        self.record = RunRecord("check-1", "check", "")
        return read_tables(Run(settings, day, self.record), accept=accept)

    def refused(self, day=DAY, **files):
        before = previous_snapshot(self.folder / "var" / "snapshots")
        with pytest.raises(GateError) as caught:
            self.read(day, **files)
        assert caught.value.exit_code == 6
        assert previous_snapshot(self.folder / "var" / "snapshots") == before
        closed = [gate.name for gate in self.record.gates if not gate.passed]
        assert all(name in str(caught.value) for name in closed)
        assert "stille check --accept" in str(caught.value)
        return closed


def customers(count):
    return "customer_id,joined_on\n" + "".join(f"{n},2020-01-01\n" for n in range(count))


def invoices(amounts, rows=120):
    """Invoices of each month of 2026 in ``amounts``, with its amount."""
    return INVOICES + "".join(
        f"i{month}-{n},{n % 100},2026-{month:02}-{n % 28 + 1:02},{int(amount) + n % 3}\n"
        for month, amount in amounts.items()
        for n in range(rows)
    )


def contacts(rows, topics=("bill", "fault"), nulls=0):
    return CONTACTS + "".join(
        f"k{n},{n % 100},2026-02-{n % 28 + 1:02} 10:00:00,"
        f"{'' if n < nulls else topics[n % len(topics)]}\n"
        for n in range(rows)
    )


@pytest.fixture
def firm(company, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.jobs.read_tables.today_in", lambda _zone: DAY)
    return Company(company, tmp_path)


def test_the_same_tables_pass_night_after_night(firm):
    firm.read()
    firm.read(date(2026, 3, 3), k_csv=contacts(310))
    names = [gate.name for gate in firm.record.gates]
    assert all(gate.passed for gate in firm.record.gates)
    assert "contacts: rows against the snapshot before" in names
    assert "invoices.amount: median against the snapshot before" in names
    assert "contacts.topic: share of words never seen before" in names


def test_a_table_that_is_not_configured_is_left_out(firm):
    assert set(firm.read().tables) == {"customers", "invoices", "contacts"}
    del firm.sources["contacts"]
    assert set(firm.read(accept=True).tables) == {"customers", "invoices"}


def test_half_the_customers_and_twice_the_rows_close_a_gate(firm):
    firm.read()
    rows = "rows against the snapshot before"
    assert firm.refused(customers_csv=customers(100)) == [f"customers: {rows}"]
    firm.files["customers.csv"] = customers(200)
    assert firm.refused(k_csv=contacts(3000)) == [f"contacts: {rows}"]
    firm.quality = {"rows_of": {"contacts": {"high": 11}}}
    assert firm.read().tables["contacts"].rows == 3000


def test_a_small_table_may_change_as_it_likes(firm):
    firm.read(k_csv=contacts(FEWEST_ROWS // 2))
    firm.read(k_csv=contacts(FEWEST_ROWS - 1))


def test_a_column_that_is_suddenly_empty_closes_a_gate(firm):
    firm.read(k_csv=contacts(300, nulls=6))
    closed = firm.refused(k_csv=contacts(300, nulls=120))
    assert closed == ["contacts.topic: rise of the share of nulls"]
    firm.read(k_csv=contacts(300, nulls=60))


def test_a_column_that_is_no_longer_given_closes_a_gate(firm):
    firm.read()
    without = contacts(300).replace(",topic\n", ",colour\n")
    assert firm.refused(k_csv=without) == ["contacts.topic: rise of the share of nulls"]


def test_words_never_seen_before_close_a_gate(firm):
    firm.read()
    exploded = contacts(300, topics=["bill", *(f"free text {n}" for n in range(99))])
    assert firm.refused(k_csv=exploded) == ["contacts.topic: share of words never seen before"]
    firm.read(k_csv=contacts(300, topics=["bill"] * 9 + ["new"]))


@pytest.mark.parametrize("factor", [0.001, 0.01, 0.1, 10, 100, 1000])
def test_a_unit_that_changes_in_the_newest_month_closes_a_gate(firm, factor):
    amounts = {1: "50000", 2: str(50000 * factor)}
    amounts = {month: str(int(float(amount))) for month, amount in amounts.items()}
    closed = firm.refused(i_csv=invoices(amounts))
    assert closed == ["invoices.amount: newest month's median against those before"]
    firm.quality = {"unit_jumps": False}
    firm.read()


def test_a_unit_that_changes_in_the_whole_file_closes_a_gate(firm):
    firm.read()
    closed = firm.refused(i_csv=invoices({1: "10000", 2: "10000"}))
    assert closed == ["invoices.amount: median against the snapshot before"]
    settled = {**firm.sources["invoices"], "money_unit": "major"}
    firm.files["i.csv"] = invoices({1: "1", 2: "1"}, rows=121)
    firm.sources["invoices"] = settled
    firm.read()


def test_a_price_rise_is_no_change_of_unit(firm):
    firm.read(i_csv=invoices({1: "100", 2: "300"}))


def test_a_stale_table_closes_a_gate(firm):
    firm.quality = {"freshness_days": {"contacts": 2}}
    firm.read(date(2026, 3, 2))
    closed = firm.refused(date(2026, 3, 3))
    assert closed == ["contacts: days since the newest event"]
    assert firm.record.gates[0].value == 3


def test_half_a_day_and_ten_times_a_day_close_a_gate(firm):
    daily = [f"2026-{1 + n // 31:02}-{n % 31 + 1:02}" for n in range(59)]

    def days(last):
        counts = dict.fromkeys(daily, 20) | {"2026-02-28": last}
        rows = [f"{day} 10:00:00" for day, n in counts.items() for _ in range(n)]
        return CONTACTS + "".join(f"k{n},{n % 100},{row},bill\n" for n, row in enumerate(rows))

    firm.quality = {"day_rows": {"contacts": {"low": 0.3, "high": 5}}}
    sunday = date(2026, 3, 1)
    name = "contacts: rows of the day before against its weekday"
    firm.read(sunday, k_csv=days(20))
    assert [g.value for g in firm.record.gates if g.name == name] == [1.0]
    assert firm.refused(sunday, k_csv=days(5)) == [name]
    assert firm.refused(sunday, k_csv=days(200)) == [name]
    assert firm.refused(sunday, k_csv=days(0)) == [name]


def test_a_person_lets_the_tables_through_and_that_is_written_down(firm):
    firm.read()
    jump = invoices({1: "100", 2: "10000"})
    closed = firm.refused(i_csv=jump)
    accepted = firm.read(accept=True)
    assert firm.record.notes == [f"let through by a person: {name}" for name in closed]
    assert [gate.name for gate in accepted.gates if not gate.passed] == closed
    assert firm.read().digest == accepted.digest
    # The next night compares with the tables let through, and asks no second time.
    firm.read(date(2026, 3, 3), k_csv=contacts(301))
    assert all(gate.passed for gate in firm.record.gates)


def test_a_closed_gate_leaves_the_last_publication(demo, copied, stille):
    shutil.copytree(demo.var / "snapshots", copied / "var" / "snapshots")
    path = copied / "data" / "tables" / "contacts.parquet"
    pq.write_table(pq.read_table(path).slice(0, 500), path)
    config = demo.config_in(copied, copied / "data")
    before = tree(copied / "out")
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 6, ended.err
    assert "contacts: rows against the snapshot before" in ended.err
    assert tree(copied / "out") == before
    (record,) = records(copied / "var", "nightly")
    assert (record["status"], record["exit_code"]) == ("failed", 6)
    assert any(not gate["passed"] for gate in record["gates"])
    checked = stille("check", "--accept", "--config", config, "--as-of", demo.as_of)
    assert checked.code == 0, checked.err
    (record,) = records(copied / "var", "check")
    assert any(note.startswith("let through by a person: contacts") for note in record["notes"])


MUTABLE = {"plan": {"column": "plan", "type": "category", "mutable": True}}


def read_as(command, settings):
    return read_tables(Run(settings, DAY, RunRecord("x", command, "")))


@pytest.mark.parametrize("command", ["train", "nightly"])
def test_a_column_that_is_overwritten_is_not_learned_from(company, command):
    content = "customer_id,plan\n1,a\n2,b\n"
    source = {"path": "customers.csv", "attributes": MUTABLE}
    settings = company({"customers.csv": content}, {"customers": source})
    with pytest.raises(ConfigError, match=r"'plan' .*attributes\.plan\): sources\.master_data is"):
        read_as(command, settings)
    assert read_as("check", settings).tables["customers"].rows == 2


def test_its_history_takes_its_place(company):
    files = {
        "customers.csv": "customer_id,plan\n1,a\n2,b\n",
        "m.csv": "customer_id,attribute,value,valid_from\n1,plan,a,2026-01-01 10:00:00\n",
    }
    source = {"path": "customers.csv", "attributes": MUTABLE}
    settings = company(files, {"customers": source, "master_data": {"path": "m.csv"}})
    snapshot = read_as("train", settings)
    assert "attr_plan" not in snapshot.tables["customers"].columns
    assert snapshot.tables["customers"].unread == ()
    assert snapshot.tables["master_data"].rows == 1


def test_a_segment_is_static_or_read_from_its_history(company):
    files = {
        "customers.csv": "customer_id,segment\n1,a\n2,b\n",
        "m.csv": "customer_id,attribute,value,valid_from\n1,segment,a,2026-01-01 10:00:00\n",
    }
    history = {"master_data": {"path": "m.csv"}}
    found = {"path": "customers.csv", "static": False}
    with pytest.raises(ContractError, match="can a customer's segment change after the day"):
        read_as("check", company(files, {"customers": found}))
    mutable = {**found, "columns": {"segment": {"column": "segment", "mutable": True}}}
    with pytest.raises(ConfigError, match=r"columns\.segment\): sources\.master_data is not given"):
        read_as("train", company(files, {"customers": mutable}))
    snapshot = read_as("train", company(files, {"customers": mutable, **history}))
    assert "segment" not in snapshot.tables["customers"].columns
    assert read_as("train", company(files)).tables["customers"].columns == (
        "customer_id",
        "segment",
    )


def test_a_history_can_only_be_given_for_what_the_contract_knows(company):
    attributes = {"age": {"column": "age", "type": "number", "mutable": True}}
    files = {
        "customers.csv": "customer_id,age\n1,30\n2,40\n",
        "m.csv": "customer_id,attribute,value,valid_from\n1,plan,a,2026-01-01 10:00:00\n",
    }
    source = {"path": "customers.csv", "attributes": attributes}
    settings = company(files, {"customers": source, "master_data": {"path": "m.csv"}})
    with pytest.raises(ConfigError, match=r"'age' .*: no history can be given for it"):
        read_as("train", settings)


@given(st.floats(1e-5, 1e5))
def test_a_factor_is_found_only_near_a_power_of_ten(ratio):
    factor = unit_factor(ratio)
    near = [f for f in (1e-3, 1e-2, 0.1, 10.0, 100.0, 1000.0) if 1 / 1.35 < ratio / f < 1.35]
    assert factor == (near[0] if near else None)


def facts(rows, **columns):
    return TableFacts(
        rows=rows,
        source_rows=rows,
        quarantined={},
        columns=tuple(columns),
        absent=(),
        unread=(),
        forbidden=(),
        first_event=None,
        last_event=datetime.fromisoformat("2026-03-01 22:30"),
        profile=TableProfile(columns),
    )


def test_an_age_is_counted_in_local_days(company):
    settings = company(quality={"freshness_days": {"contacts": 1}})
    (gate,) = measures(settings, DAY, {"contacts": facts(10)})
    assert gate.value == 1
    local = replace(facts(10), last_event=datetime.fromisoformat("2026-03-01 23:30"))
    (gate,) = measures(settings, DAY, {"contacts": local})
    assert gate.value == 0


def test_gates_of_unknown_tables_are_refused(company):
    with pytest.raises(ConfigError, match=r"quality\.freshness_days\.contcts: unknown table; did"):
        company(quality={"freshness_days": {"contcts": 2}})


def test_a_column_that_was_empty_before_stays_so(company):
    empty = ColumnProfile(nulls=200)
    was = {"contacts": facts(200, topic=empty)}
    gates = measures(company(), DAY, {"contacts": facts(200, topic=empty)}, PreviousTables(was))
    assert [g.value for g in gates if "topic" in g.name] == [0]
