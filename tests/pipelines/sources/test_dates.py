"""Dates and instants: years, days that stand for none, days sent as instants, days for months."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ConfigError, ContractError
from features.timeline import midnight_utc
from pipelines.config.sections import Engine
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import connect, literal
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.date_forms import day, instant, stands_for_none
from pipelines.sources.forms import Forms

INVOICES = "invoice_id,customer_id,issued_on,amount\n"
CASES = "case_id,customer_id,opened_at,closed_at\n"
NOTICES = "contract_id,customer_id,notified_on,effective_on,outcome\n"


def at(written):
    return datetime.fromisoformat(written)


@pytest.fixture
def take(company, tmp_path):
    def run(files=None, sources=None, as_of=None, zone="Europe/Oslo", **sections):
        firm = {"name": "T", "timezone": zone, "currency": "NOK", "language": "nb"}
        settings = company(files, sources, company=firm, **sections)
        return take_snapshot(settings, tmp_path / "snapshot", as_of=as_of)

    return run


def column(snapshot, table, name):
    found = duckdb.execute(f"select {name} from '{snapshot.path(table, 0)}' order by 1").fetchall()
    return [value for (value,) in found]


def parquet(**columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("sign", ["/", ".", "-"])
def test_a_year_of_two_digits_is_declared_or_refused(take, sign):
    written = f"kA,1,20{sign}03{sign}24,30{sign}04{sign}24,voluntary\n"
    files = {"t.csv": NOTICES + written}

    def source(year):
        return {"terminations": {"path": "t.csv", "dialect": {"date": f"%d{sign}%m{sign}{year}"}}}

    with pytest.raises(ContractError) as caught:
        take(files, source("%Y"))
    said = str(caught.value)
    assert "notified_on: out of range: 1 rows, first in t.csv rows 2, in 'notified_on'" in said
    assert f"written like '99{sign}99{sign}99'" in said
    assert "%y declares a year of two digits" in said
    snapshot = take(files, source("%y"))
    assert column(snapshot, "terminations", "notified_on") == [date(2024, 3, 20)]


OUT_OF_RANGE = ("0024-03-20", "0202-03-20", "1899-06-01", "2200-01-01", "9998-12-31")
DAYS = ("1900-01-02", "2024-02-29", "2199-12-30")
NONE = (
    *("0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "2099-12-31"),
    *("2079-06-06", "2100-01-01", "2100-12-31", "2154-12-31", "2199-12-31"),
    *("2262-04-11", "2999-01-01", "2999-12-31", "3000-01-01", "9999-01-01", "9999-12-31"),
)


@pytest.mark.parametrize("kind", ["csv", "date32", "timestamp", "aware", "duckdb"])
def test_a_day_is_plausible_or_stands_for_none_or_is_named(take, tmp_path, kind):
    written = [*OUT_OF_RANGE, *DAYS, *NONE]
    ids = [str(n) for n in range(len(written))]
    path, more = f"c.{kind if kind in ('csv', 'duckdb') else 'parquet'}", {}
    if kind == "csv":
        rows = zip([*ids, "x", "y"], [*written, "0000-00-00", ""], strict=True)
        content = "customer_id,joined_on\n" + "".join(f"{n},{d}\n" for n, d in rows)
    elif kind == "duckdb":
        with duckdb.connect(tmp_path / "made.duckdb") as connection:
            connection.execute(
                "create table c as select unnest(?) as customer_id, "
                "cast(unnest(?) as date) as joined_on",
                [ids, written],
            )
        content, more = (tmp_path / "made.duckdb").read_bytes(), {"table": "c"}
    else:
        days = pa.array([date.fromisoformat(d) for d in written], pa.date32())
        if kind != "date32":
            typed = pa.timestamp("us", "UTC" if kind == "aware" else None)
            days = pa.array([at(d) for d in written], typed)
        content = parquet(customer_id=ids, joined_on=days)
    source = {"customers": {"path": path, **more}}
    snapshot = take({path: content}, source, quality={"max_quarantine_share": 0.9})
    kept = [None] * len(NONE) + [None] * (kind == "csv")
    read = [date.fromisoformat(d) for d in DAYS]
    assert column(snapshot, "customers", "joined_on") == [*read, *kept]
    facts = snapshot.tables["customers"]
    unreadable = {"joined_on: unreadable": 1} if kind == "csv" else {}
    assert facts.quarantined == {"joined_on: out of range": len(OUT_OF_RANGE), **unreadable}
    assert facts.null_dates == {"joined_on": len(NONE)}


def test_infinity_stands_for_none(take, tmp_path):
    with duckdb.connect(tmp_path / "made.duckdb") as connection:
        connection.execute(
            "create table c as select '1' as customer_id, date 'infinity' as joined_on"
        )
    content = (tmp_path / "made.duckdb").read_bytes()
    snapshot = take({"c.duckdb": content}, {"customers": {"path": "c.duckdb", "table": "c"}})
    assert column(snapshot, "customers", "joined_on") == [None]


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York", "UTC"])
def test_an_instant_stands_for_none_when_its_day_in_utc_or_here_does(take, zone):
    ends = ("9999-12-31 00:00:00", "9999-12-31 23:59:59", "2024-05-01 10:00:00", "")
    rows = "".join(f"c{n},1,2024-01-01 10:00:00,{end}\n" for n, end in enumerate(ends))
    snapshot = take({"c.csv": CASES + rows}, {"cases": {"path": "c.csv"}}, zone=zone)
    assert column(snapshot, "cases", "closed_at")[1:] == [None] * 3
    assert snapshot.tables["cases"].null_dates == {"closed_at": 2}
    wall = [datetime.fromisoformat(end) if end else None for end in ends]
    local = [end and end.replace(tzinfo=ZoneInfo(zone)) for end in wall[2:]]
    content = parquet(
        case_id=["a", "b", "c"],
        customer_id=["1"] * 3,
        opened_at=pa.array([at("2024-01-01")] * 3, pa.timestamp("us")),
        closed_at=pa.array([wall[0], *local], pa.timestamp("us", "UTC")),
    )
    snapshot = take({"c.parquet": content}, {"cases": {"path": "c.parquet"}}, zone=zone)
    assert snapshot.tables["cases"].null_dates == {"closed_at": 1}


@pytest.mark.parametrize("is_day", [True, False])
def test_no_join_looks_for_the_days_that_stand_for_none(tmp_path, is_day):
    forms = Forms(Dialect(), "UTC", "Europe/Oslo", "minor")
    asked = f"select {stands_for_none('d', forms, is_day=is_day)} from days"
    with connect(Engine(), tmp_path) as connection:
        connection.execute("create table days as select date '2024-01-01' as d from range(10000)")
        plan = connection.execute(f"explain {asked}").fetchall()[0][1]
    assert "JOIN" not in plan.upper()


def test_days_that_stand_for_none_can_be_declared(take):
    files = {"customers.csv": "customer_id,joined_on\n1,2050-12-31\n2,1900-01-01\n"}
    snapshot = take(files, dialect={"null_dates": ["2050-12-31"]})
    assert column(snapshot, "customers", "joined_on") == [date(1900, 1, 1), None]


def test_a_form_without_a_year_is_refused(company):
    with pytest.raises(ConfigError, match=r"dialect\.date: .*no year in it: %Y for one of four"):
        company(dialect={"date": "%d.%m"})


MIDNIGHTS = (date(2024, 1, 15), date(2024, 3, 31), date(2024, 6, 1), date(2024, 10, 27))
TEXTS = {
    "csv %z": ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S+0000"),
    "csv Z by %z": ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ"),
    "csv Z": ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%SZ"),
    "csv naive": ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"),
}
KINDS = (*TEXTS, "parquet aware", "parquet naive")


def orders(kind, **days):
    """Orders with days that are UTC instants, as each kind of source may write them."""
    ids = [str(n) for n in range(len(days["ordered_on"]))]
    zone = {"timezone": "UTC"} if "naive" in kind else {}
    if kind not in TEXTS:
        typed = pa.timestamp("us", "UTC" if kind == "parquet aware" else None)
        columns = {name: pa.array(moments, typed) for name, moments in days.items()}
        content = parquet(order_id=ids, customer_id=["1"] * len(ids), **columns)
        return {"o.parquet": content}, {"orders": {"path": "o.parquet", **zone}}
    form, written = TEXTS[kind]
    rows = zip(ids, *([m.strftime(written) for m in each] for each in days.values()), strict=True)
    content = "".join(f"{n},1,{','.join(cells)}\n" for n, *cells in rows)
    header = f"order_id,customer_id,{','.join(days)}\n"
    return {"o.csv": header + content}, {
        "orders": {"path": "o.csv", "dialect": {"date": form}, **zone}
    }


@pytest.mark.parametrize(
    ("kind", "zone"),
    [
        *((kind, zone) for kind in KINDS for zone in ("Europe/Oslo", "America/New_York")),
        *(("parquet aware", "Asia/Beirut"), ("csv Z", "America/Havana"), ("csv naive", "UTC")),
    ],
)
def test_a_day_sent_as_an_instant_is_the_local_day_in_every_kind_of_source(take, kind, zone):
    shown = [at(str(d)) for d in MIDNIGHTS]
    noon = [m + timedelta(hours=16, minutes=30) for m in shown]
    local = [midnight_utc(d, zone) for d in MIDNIGHTS]
    snapshot = take(
        *orders(kind, ordered_on=local, promised_on=shown, delivered_on=noon), zone=zone
    )
    for name in ("ordered_on", "promised_on", "delivered_on"):
        assert column(snapshot, "orders", name) == list(MIDNIGHTS), name


@pytest.mark.parametrize("kind", ["csv Z", "parquet naive"])
def test_midnights_in_utc_among_other_times_are_refused_where_they_would_be_a_day_early(take, kind):
    moments = [at("2024-06-01"), at("2024-06-03 14:30"), at("2024-06-04 04:00")]
    files, sources = orders(kind, ordered_on=moments)
    with pytest.raises(ContractError) as caught:
        take(files, sources, zone="America/New_York")
    said = str(caught.value)
    assert "'ordered_on' (for ordered_on) mixes days written as midnight in UTC (1 of 3," in said
    assert f"first in row {2 if 'csv' in kind else 1}) with other times (1 are midnights" in said
    snapshot = take(files, sources, zone="Europe/Oslo")
    assert column(snapshot, "orders", "ordered_on") == [m.date() for m in moments]


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    with connect(Engine(threads=1), tmp_path_factory.mktemp("spill")) as opened:
        yield opened


def converted(connection, texts, sql):
    named = ", ".join(map(literal, texts))
    rows = connection.execute(f"select {sql} from (select unnest([{named}]) as r)").fetchall()
    return [value for (value,) in rows]


@settings(max_examples=20)
@given(
    st.lists(st.dates(date(1900, 1, 2), date(2098, 12, 31)), min_size=1, max_size=50),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d-%b-%Y"]),
)
def test_a_day_written_and_read_is_the_same(connection, days, form):
    forms = Forms(Dialect(date=form), "UTC", "UTC", "minor")
    sql = day("r", "VARCHAR", forms, as_shown=False)
    assert converted(connection, [d.strftime(form) for d in days], sql) == days


SECONDS = st.datetimes(at("1970-01-02"), at("2098-12-31")).map(lambda m: m.replace(microsecond=0))


@settings(max_examples=20)
@given(
    st.lists(SECONDS, min_size=1, max_size=50),
    st.sampled_from(["Europe/Oslo", "America/New_York", "UTC"]),
    st.sampled_from(["%Y-%m-%dT%H:%M:%S%z", "%d.%m.%Y %H:%M:%S %z"]),
)
def test_an_instant_written_with_its_offset_and_read_is_the_same(connection, moments, zone, form):
    local = [m.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)) for m in moments]
    sql = instant("r", "VARCHAR", Forms(Dialect(instant=form), zone, zone, "minor"))
    assert converted(connection, [m.strftime(form) for m in local], sql) == moments


def prices(days, form, **more):
    rows = "".join(f"electricity,{d.strftime(form)},{n + 0.5}\n" for n, d in enumerate(days))
    return {"m.csv": "product_line,month,price\n" + rows}, "market_price"


def bills(days, form):
    rows = "".join(f"i{n},1,{d.strftime(form)},5\n" for n, d in enumerate(days))
    return {"m.csv": INVOICES + rows}, "invoices"


def firsts(months, day_of_month=1):
    return [date(2023 + n // 12, n % 12 + 1, day_of_month) for n in range(months)]


DMY, MDY = "%d/%m/%Y", "%m/%d/%Y"


@pytest.mark.parametrize(
    ("table", "days", "written", "declared", "refused"),
    [
        (prices, firsts(24), DMY, MDY, True),
        (prices, firsts(24), DMY, DMY, False),
        (bills, firsts(24), MDY, DMY, True),
        (bills, firsts(24), DMY, DMY, False),
        (bills, firsts(24), MDY, MDY, False),
        (bills, firsts(24, 5), DMY, MDY, True),
        (bills, firsts(3), DMY, MDY, True),
        (bills, firsts(3), DMY, DMY, False),
        (bills, firsts(2), DMY, MDY, False),
        (bills, [*firsts(24), date(2024, 5, 31)], DMY, DMY, False),
        (bills, [date(2020 + n, 1, 1) for n in range(5)], DMY, DMY, False),
        (bills, [date(2024, 2, 3), date(2024, 5, 9), date(2024, 9, 12)], DMY, DMY, False),
        (bills, firsts(24), "%d.%m.%Y", "%d.%m.%Y", False),
    ],
)
def test_days_read_as_months_are_refused_with_the_format_to_declare(
    take, table, days, written, declared, refused
):
    files, name = table(days, written)
    source = {name: {"path": "m.csv", "dialect": {"date": declared}}}
    if not refused:
        snapshot = take(files, source, as_of=date(2025, 3, 1))
        assert snapshot.tables[name].rows == len(days)
        return
    with pytest.raises(ContractError) as caught:
        take(files, source, as_of=date(2025, 3, 1))
    said = str(caught.value)
    assert f"{name}: '" in said
    assert f"declared date {declared!r}" in said
    assert f"declare sources.{name}.dialect: {{date: '{written}'}}" in said


def test_the_first_days_of_a_new_company_are_days(take):
    days = [date(2024, 1, n) for n in range(1, 13)]
    files, name = bills(days, DMY)
    source = {name: {"path": "m.csv", "dialect": {"date": DMY}}}
    snapshot = take(files, source, as_of=date(2024, 1, 13))
    assert column(snapshot, name, "issued_on") == days
