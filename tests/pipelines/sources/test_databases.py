"""Sources that are not single files: folders, partitions, DuckDB files, a PostgreSQL database."""

import json
import subprocess
import sys
import time
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from postgres_server import SECRET, cluster, wire

from features.errors import BusyError, ConfigError, ContractError
from pipelines.config.settings import load_settings
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.snapshots.store import previous_snapshot
from pipelines.sources import database_reader
from pipelines.sources.addresses import Address, DroppedError
from pipelines.sources.database_reader import driver_of
from pipelines.sources.postgres_driver import with_timeouts


def at(written):
    return datetime.fromisoformat(written)


@pytest.fixture
def take(company, tmp_path):
    def run(files=None, sources=None, **sections):
        return take_snapshot(company(files, sources, **sections), tmp_path / "snapshot")

    return run


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def rows(snapshot, table, columns="*", order="1"):
    path = snapshot.path(table, 0)
    return duckdb.execute(f"select {columns} from '{path}' order by {order}").fetchall()


def write(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, write_page_checksum=True)


def test_a_folder_stands_for_its_files_and_what_writers_leave_beside_them_is_not_read(take, data):
    write(data / "sent" / "a.parquet", customer_id=["1"], segment=["x"])
    write(data / "sent" / "deep" / "b.parquet", customer_id=["2"], segment=["y"])
    write(data / "sent" / "_temporary" / "c.parquet", customer_id=["3"], segment=["z"])
    (data / "sent" / "_SUCCESS").touch()
    (data / "sent" / ".a.parquet.crc").write_bytes(b"crc")
    for path, kind in (("sent/", None), ("sent", "parquet"), ("sent/**/*.parquet", None)):
        source = {"path": path, **({"format": kind} if kind else {})}
        wanted = [("1", "x"), ("2", "y")] + ([("3", "z")] if "*" in path else [])
        assert rows(take(None, {"customers": source}), "customers", "#1, #3") == wanted


def test_an_empty_folder_names_what_was_looked_for(take, data):
    write(data / "sent" / "a.parquet", customer_id=["1"])
    with pytest.raises(ContractError, match=r"no file matches .*/sent .* folder's files \.csv"):
        take(None, {"customers": {"path": "sent"}})


def test_folder_names_become_columns_as_text(take, data):
    for year, month in (("2025", "12"), ("2026", "01")):
        write(
            data / f"bills/year={year}/month={month}/p.parquet",
            invoice_id=[f"{year}{month}"],
            customer_id=["1"],
            amount=[100],
        )
    source = {
        "path": "bills/year=*/",
        "columns": {"issued_on": "period", "estimated": {"value": False}},
    }
    with pytest.raises(ContractError, match=r"the file has: .*year, month"):
        take(None, {"invoices": source})
    source["columns"]["issued_on"] = {"columns": ["year", "month"], "join": "-"}
    source["dialect"] = {"date": "%Y-%m"}
    snapshot = take(None, {"invoices": source})
    assert rows(snapshot, "invoices", "invoice_id, issued_on") == [
        ("202512", date(2025, 12, 1)),
        ("202601", date(2026, 1, 1)),
    ]


def test_a_folder_without_a_value_is_null_and_a_files_own_column_wins(take, data):
    write(data / "c/segment=__HIVE_DEFAULT_PARTITION__/p.parquet", customer_id=["1"])
    write(data / "c/segment=b%20c/p.parquet", customer_id=["2"])
    write(data / "c/segment=folder/p.parquet", customer_id=["3"], segment=["file"])
    snapshot = take(None, {"customers": {"path": "c/"}})
    assert rows(snapshot, "customers", "customer_id, segment") == [
        ("1", None),
        ("2", "b c"),
        ("3", "file"),
    ]


@pytest.mark.fault(5)
def test_every_flipped_bit_is_found_where_pages_have_checksums(
    company, data, tmp_path, record_property
):
    ids = [str(n) for n in range(2000)]
    whole = data / "c.parquet"
    pq.write_table(
        pa.table({"customer_id": ids}), whole, write_page_checksum=True, compression="none"
    )
    settings = company(None, {"customers": {"path": "c.parquet"}})
    clean = whole.read_bytes()
    places = range(4, len(clean), len(clean) // 12)
    record_property("flipped bits: input files", [len(places), len(places)])
    for place in places:
        damaged = bytearray(clean)
        damaged[place] ^= 0x04
        whole.write_bytes(damaged)
        with pytest.raises(ContractError, match=r"c\.parquet"):
            take_snapshot(settings, tmp_path / "snapshot")


def test_a_digest_beside_a_file_is_held_against_it(take, data):
    write(data / "c.parquet", customer_id=["1"])
    told = data / "c.parquet.sha256"
    told.write_text(f"{'0' * 64}  c.parquet\n")
    with pytest.raises(ContractError, match=r"c\.parquet: its SHA-256 is not the one in"):
        take(None, {"customers": {"path": "c.parquet*", "format": "parquet"}})
    snapshot_digest = duckdb.execute(
        f"select sha256(content) from read_blob('{data / 'c.parquet'}')"
    ).fetchone()[0]
    told.write_text(f"{snapshot_digest}  c.parquet\n")
    assert (
        take(None, {"customers": {"path": "c.parquet*", "format": "parquet"}})
        .tables["customers"]
        .rows
        == 1
    )


@pytest.fixture
def crm(data):
    path = data / "crm.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create table kunder (nr varchar, phone varchar, opened timestamp)")
        con.execute(
            "insert into kunder values ('007', '+4791234567', '2026-01-01'), ('8', '', null)"
        )
        con.execute(
            "create schema faktura; create table faktura.bilag as select 'a' as invoice_id, "
            "'007' as customer_id, date '2026-01-02' as issued_on, 12.34::decimal(9,2) as amount"
        )
        con.execute("create view alle as select * from kunder")
    return path


CUSTOMERS = {"path": "crm.duckdb", "table": "kunder", "columns": {"customer_id": "nr"}}


def test_tables_of_a_duckdb_file_are_read_with_their_own_types(take, crm):
    bills = {"path": "crm.duckdb", "table": "faktura.bilag", "money_unit": "major"}
    norse = {"decimal": ",", "thousands": " "}
    snapshot = take(None, {"customers": CUSTOMERS, "invoices": bills}, dialect=norse)
    assert rows(snapshot, "customers", "customer_id") == [("007",), ("8",)]
    assert rows(snapshot, "invoices", "customer_id, amount") == [("007", 1234)]
    assert snapshot.tables["customers"].forbidden == ("phone",)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "kunde",
            r"no table 'kunde'; did you mean 'kunder'\?; the file has: faktura\.bilag, kunder",
        ),
        ("alle", "views are not read"),
        ("bilag", "no table 'bilag'"),
    ],
)
def test_a_table_that_is_not_there_is_named(take, crm, table, said):
    with pytest.raises(ContractError, match=said):
        take(None, {"customers": {**CUSTOMERS, "table": table}})


@pytest.mark.fault(37)
@pytest.mark.parametrize("name", ['kunder"; drop table kunder; --', "a.b.c", "", "1a", "a b"])
def test_hostile_table_names_are_refused(company, name):
    with pytest.raises(ConfigError, match=r"sources\.customers\.table: "):
        company(None, {"customers": {**CUSTOMERS, "table": name}})


def test_a_file_that_is_being_written_is_a_reason_to_wait(take, crm):
    code = (
        "import duckdb, sys, time; con = duckdb.connect(sys.argv[1]); "
        "print('open', flush=True); time.sleep(60)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(crm)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"open\n"
        with pytest.raises(BusyError, match="another process is writing it"):
            take(None, {"customers": CUSTOMERS})
    finally:
        writer.kill()
        writer.communicate()


def test_a_damaged_duckdb_file_is_refused(take, crm):
    whole = crm.read_bytes()
    for content in (whole[: len(whole) // 2], b"no database", b""):
        crm.write_bytes(content)
        with pytest.raises(ContractError, match=r"crm\.duckdb"):
            take(None, {"customers": CUSTOMERS})


def test_the_log_of_a_duckdb_file_counts_as_its_content(take, crm):
    first = take(None, {"customers": CUSTOMERS})
    code = (
        "import duckdb, os, sys; con = duckdb.connect(sys.argv[1]); "
        "con.execute(\"set wal_autocheckpoint = '1GB'\"); "
        "con.execute(\"insert into kunder values ('9', '', null)\"); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(crm)], check=True)
    assert crm.with_name("crm.duckdb.wal").is_file()
    second = take(None, {"customers": CUSTOMERS})
    assert second.tables["customers"].rows == 3
    assert len(second.inputs) == len(first.inputs) + 1


def test_instants_of_a_database_need_a_declared_zone(take, crm):
    cases = {
        "path": "crm.duckdb",
        "table": "kunder",
        "rows_with": ["opened"],
        "columns": {"case_id": "nr", "customer_id": "nr", "opened_at": "opened"},
    }
    with pytest.raises(ContractError, match=r"'opened' \(for opened_at\) has no time zone"):
        take(None, {"customers": CUSTOMERS, "cases": cases})
    snapshot = take(None, {"customers": CUSTOMERS, "cases": {**cases, "timezone": "Europe/Oslo"}})
    assert rows(snapshot, "cases", "opened_at") == [(at("2025-12-31 23:00"),)]


@pytest.fixture(scope="module")
def server(postgresql):
    with cluster(postgresql) as running:
        yield running


@pytest.fixture
def tables(server, monkeypatch):
    monkeypatch.setenv("STILLE_DB_URI", server.uri())
    monkeypatch.setattr(database_reader, "FIRST_WAIT_SECONDS", 0.01)
    server.run(
        "drop schema if exists crm cascade",
        "create schema crm",
        'create table crm."Kunde" (id uuid, nr char(6), "Telefon" text, segment text)',
        """insert into crm."Kunde" values
            ('00000000-0000-0000-0000-000000000001', '007', '+4791234567', 'privat'),
            ('00000000-0000-0000-0000-000000000002', '8', '+4798765432', 'bedrift')""",
        "create type crm.kanal as enum ('tlf', 'epost')",
        """create table crm.kontakt (id bigint, nr text, kl timestamptz, naiv timestamp,
            kanal crm.kanal, pris numeric, til date, tatt int)""",
        """insert into crm.kontakt values
            (707057500000001234, '007', '2026-07-01 12:00+02', '2026-07-01 12:00', 'tlf',
             1234.5, 'infinity', 5),
            (2, '8', '2026-10-25 00:30+00', '2026-10-25 02:30', 'epost', null, '2026-01-01', null)
        """,
    )
    return server


def stored(table, **more):
    return {"database": {"uri": "${STILLE_DB_URI}", "table": table}, **more}


KUNDE = stored("crm.Kunde", columns={"customer_id": "nr"})
KONTAKT = stored(
    "crm.kontakt",
    columns={
        "contact_id": "id",
        "customer_id": "nr",
        "started_at": "kl",
        "channel": {"column": "kanal", "values": {"tlf": "phone", "epost": "email"}},
        "wait_seconds": "tatt",
    },
)


def test_a_database_is_read_with_its_own_types_and_only_what_is_used(take, tables, tmp_path):
    prices = stored(
        "crm.kontakt",
        columns={
            "plan_id": "id",
            "product_line": {"value": "electricity"},
            "valid_from": "kl",
            "valid_to": "til",
            "price": "pris",
            "campaign": {"value": False},
        },
        rows_with=["pris"],
    )
    sources = {"customers": KUNDE, "contacts": KONTAKT, "price_list": prices}
    snapshot = take(None, sources, dialect={"decimal": ",", "thousands": " "})
    assert rows(snapshot, "customers", "customer_id, segment") == [
        ("007", "privat"),
        ("8", "bedrift"),
    ]
    assert rows(snapshot, "contacts", "contact_id, channel, started_at, wait_seconds") == [
        ("2", "email", at("2026-10-25 00:30"), None),
        ("707057500000001234", "phone", at("2026-07-01 10:00"), 5),
    ]
    path = snapshot.path("price_list", 0)
    assert duckdb.execute(f"select price, valid_to from '{path}'").fetchall() == [
        (Decimal("1234.500000"), None)
    ]
    assert set(snapshot.inputs) == {
        f"postgresql://127.0.0.1:{tables.port}/postgres/crm.{name}" for name in ("Kunde", "kontakt")
    }
    assert snapshot.tables["customers"].unread == ("id", "Telefon")
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"9123456" not in kept
    assert SECRET.encode() not in kept
    assert b"p%40ss" not in kept


def test_dates_and_durations_of_a_database_are_those_of_a_file(take, tables):
    tables.run(
        "create table crm.sak (id text, nr text, dag timestamptz, slutt date, ventet interval)",
        """insert into crm.sak values
            ('a', '007', '2024-05-31 22:00+00', '9999-12-31', '00:03:25'),
            ('b', '007', '2024-10-26 22:00+00', '0001-01-01', '1 day 00:00:01')""",
    )
    names = {
        "customer_id": "nr",
        "contract_id": "id",
        "started_on": "dag",
        "binding_until": "slutt",
    }
    contracts = stored("crm.sak", columns={**names, "product_line": {"value": "electricity"}})
    names = {"contact_id": "id", "customer_id": "nr", "started_at": "dag", "wait_seconds": "ventet"}
    contacts = stored("crm.sak", columns=names)
    snapshot = take(None, {"customers": KUNDE, "contracts": contracts, "contacts": contacts})
    assert rows(snapshot, "contracts", "started_on, binding_until") == [
        (date(2024, 6, 1), None),
        (date(2024, 10, 27), None),
    ]
    assert snapshot.tables["contracts"].null_dates == {"binding_until": 2}
    assert rows(snapshot, "contacts", "wait_seconds") == [(205,), (86_401,)]


def test_days_of_a_database_with_times_and_no_zone_need_one(take, tables):
    tables.run(
        "create table crm.faktura (id text, nr text, dag timestamp, sum int)",
        "insert into crm.faktura values ('a', '007', '2024-06-01 00:00', 5)",
    )
    columns = {"invoice_id": "id", "customer_id": "nr", "issued_on": "dag", "amount": "sum"}
    bills = stored("crm.faktura", columns=columns)
    snapshot = take(None, {"customers": KUNDE, "invoices": bills})
    assert rows(snapshot, "invoices", "issued_on") == [(date(2024, 6, 1),)]
    tables.run("insert into crm.faktura values ('b', '007', '2024-06-01 22:00', 5)")
    with pytest.raises(ContractError, match=r"'dag' \(for issued_on\) has times and no time zone"):
        take(None, {"customers": KUNDE, "invoices": bills})
    snapshot = take(None, {"customers": KUNDE, "invoices": {**bills, "timezone": "Europe/Oslo"}})
    assert rows(snapshot, "invoices", "issued_on") == [(date(2024, 6, 1),), (date(2024, 6, 1),)]


def test_all_tables_are_read_as_of_one_moment(take, tables, monkeypatch):
    fetched, fetch_one = [], database_reader.fetch

    def fetch(cursor, name, *rest):
        found = fetch_one(cursor, name, *rest)
        fetched.append(name)
        tables.run(
            "insert into crm.kontakt (id, nr, kl) values (9, '8', timestamptz '2026-01-01 00:00Z')"
        )
        return found

    monkeypatch.setattr(database_reader, "fetch", fetch)
    snapshot = take(None, {"customers": KUNDE, "contacts": KONTAKT})
    assert fetched == ["customers", "contacts"]
    assert snapshot.tables["contacts"].rows == 2


def test_the_transaction_can_write_nothing(tables):
    with (
        pytest.raises(DroppedError, match="read-only transaction"),
        driver_of("postgresql").session(Address("postgresql", tables.uri())) as cursor,
    ):
        cursor.execute("delete from crm.kontakt")


def test_the_digest_is_of_the_rows_whatever_their_order(take, tables, company):
    first = take(None, {"customers": KUNDE, "contacts": KONTAKT})
    tables.run("update crm.kontakt set tatt = tatt where id = 2", "vacuum full crm.kontakt")
    told = []
    again = take_snapshot(
        company(None, {"customers": KUNDE, "contacts": KONTAKT}), first.root.parent, told.append
    )
    assert (again.digest, told) == (first.digest, [])
    tables.run("update crm.kontakt set tatt = 6 where id = 2")
    assert take(None, {"customers": KUNDE, "contacts": KONTAKT}).digest != first.digest


def fill(server, count):
    server.run(
        f"insert into crm.kontakt (id, nr, kl, kanal) select g, '8', timestamptz '2026-01-01' + "
        f"g * interval '1 second', 'tlf' from generate_series(100, {count + 99}) g"
    )


@pytest.mark.fault(26)
def test_a_connection_that_drops_is_tried_again(take, tables, monkeypatch, caplog):
    fill(tables, 20_000)
    with wire(tables.port, cuts=2, after=200_000) as port:
        monkeypatch.setenv("STILLE_DB_URI", tables.uri(port=port))
        snapshot = take(None, {"customers": KUNDE, "contacts": KONTAKT})
    assert snapshot.tables["contacts"].rows == 20_002
    assert caplog.text.count("trying again") == 2
    assert SECRET not in caplog.text


@pytest.mark.fault(26)
def test_a_connection_that_keeps_dropping_is_a_reason_to_wait(take, tables, monkeypatch, tmp_path):
    first = take(None, {"customers": KUNDE, "contacts": KONTAKT})
    fill(tables, 20_000)
    with wire(tables.port, cuts=99, after=200_000) as port:
        monkeypatch.setenv("STILLE_DB_URI", tables.uri(port=port))
        with pytest.raises(BusyError) as caught:
            take(None, {"customers": KUNDE, "contacts": KONTAKT})
    assert caught.value.exit_code == 75
    assert f"127.0.0.1:{port}/postgres: the connection broke 4 times" in str(caught.value)
    assert previous_snapshot(tmp_path / "snapshot") == first


@pytest.mark.fault(26)
def test_a_database_that_is_away_is_a_reason_to_wait(take, tables, monkeypatch):
    with wire(tables.port, 0, 0) as port:
        pass
    monkeypatch.setenv("STILLE_DB_URI", tables.uri(port=port))
    with pytest.raises(BusyError, match="Connection refused"):
        take(None, {"customers": KUNDE})


def test_a_wrong_password_is_a_matter_of_configuration_and_not_shown(take, tables, monkeypatch):
    monkeypatch.setenv("STILLE_DB_URI", tables.uri("hunter2"))
    begun = time.monotonic()
    with pytest.raises(ConfigError, match='authentication failed for user "stille"') as caught:
        take(None, {"customers": KUNDE})
    assert "hunter2" not in str(caught.value)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (stored("crm.kunde"), r'relation "crm.kunde" does not exist.*letter by letter'),
        (stored("public.kunde"), "does not exist"),
        (
            stored("crm.Kunde", columns={"customer_id": "kundenr"}),
            r"'kundenr' \(for customers.customer_id\) is not there",
        ),
        (stored("hemmelig.kunde"), r"permission denied.*Grant SELECT"),
    ],
)
def test_what_a_database_lacks_is_named(take, tables, monkeypatch, source, said):
    tables.run(
        "drop schema if exists hemmelig cascade",
        "drop role if exists leser",
        "create schema hemmelig",
        "create table hemmelig.kunde (customer_id text)",
        "create role leser login password 'leser'",
        "grant usage on schema crm to leser",
        'grant select on crm."Kunde" to leser',
    )
    monkeypatch.setenv("STILLE_DB_URI", tables.uri("leser", user="leser"))
    with pytest.raises(ContractError, match=said):
        take(None, {"customers": source})


HOSTILE = ('a"b', "a'b", "x; drop table crm.q --", "*", "1) union select usename", "å", '"')


def test_hostile_names_of_columns_are_only_names(take, tables):
    quoted = ['"' + name.replace('"', '""') + '"' for name in HOSTILE]
    tables.run(
        f"create table crm.q ({', '.join(f'{each} text' for each in quoted)})",
        f"insert into crm.q values ({', '.join(['$$;$$'] * len(quoted))}), "
        f"({', '.join(f'$$1{n}$$' for n in range(len(quoted)))})",
    )
    for number, name in enumerate(HOSTILE):
        source = stored("crm.q", columns={"customer_id": name}, rows_without={name: ["';--", ";"]})
        assert rows(take(None, {"customers": source}), "customers", "#1") == [(f"1{number}",)]
    assert tables.run("select count(*) from crm.q") is None


@pytest.mark.parametrize("name", ['crm.q"', "crm.q;", "crm.q\0", "crm.", "crm.q.r", "crm.*"])
def test_hostile_names_of_tables_are_refused(company, tables, name):
    with pytest.raises(ConfigError, match=r"sources\.customers"):
        company(None, {"customers": stored(name)})


def test_naive_instants_need_a_declared_zone(take, tables):
    columns = {**KONTAKT["columns"], "started_at": "naiv"}
    source = {**KONTAKT, "columns": columns}
    with pytest.raises(
        ContractError, match=r"contacts: 'naiv' \(for started_at\) has no time zone"
    ):
        take(None, {"customers": KUNDE, "contacts": source})
    source["timezone"] = "Europe/Oslo"
    snapshot = take(None, {"customers": KUNDE, "contacts": source})
    assert [row[0] for row in rows(snapshot, "contacts", "started_at")] == [
        at("2026-07-01 10:00"),
        at("2026-10-25 00:30"),
    ]


def test_rows_of_a_database_are_set_aside_like_any_other(take, tables):
    fill(tables, 100)
    tables.run("update crm.kontakt set nr = '99' where id = 150")
    snapshot = take(None, {"customers": KUNDE, "contacts": KONTAKT})
    assert snapshot.tables["contacts"].quarantined == {"customer_id: not in customers": 1}
    kept = (snapshot.root / "quarantine" / "contacts.csv").read_text()
    assert kept.splitlines()[1].startswith("crm.kontakt,")


@pytest.mark.fault(38)
def test_no_password_reaches_output_records_or_pages(tables, stille, tmp_path):
    document = {
        "company": {"name": "A", "timezone": "Europe/Oslo", "currency": "NOK", "language": "nb"},
        "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
        "sources": {"customers": {**KUNDE, "known_delay_days": 0, "static": True}},
        "training": {"first_as_of": "2023-01-01"},
    }
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(document))
    ended = stille("check", "--config", config)
    assert ended.code == 0, ended.err
    tables.run('drop table crm."Kunde"')
    broken = stille("check", "--config", config)
    assert broken.code == 3
    written = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p != config]
    said = "".join((ended.out, ended.err, broken.out, broken.err)).encode()
    for secret in (SECRET.encode(), b"p%40ss"):
        assert secret not in said
        assert not any(secret in content for content in written)
    records = [json.loads(p.read_text()) for p in (tmp_path / "var" / "runs").iterdir()]
    named = [name for record in records for name in record["input_digests"]]
    assert named == [f"postgresql://127.0.0.1:{tables.port}/postgres/crm.Kunde"]


CONFIG = """
company: {name: A, timezone: Europe/Oslo, currency: NOK, language: nb}
paths: {data: data}
sources:
  customers: {database: {uri: URI, table: crm.kunde}, known_delay_days: 0}
training: {first_as_of: 2023-01-01}
"""


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://u:sekret@h/db",
        '"${DB:-postgresql://u:sekret@h/db}"',
        '"postgresql://u:${PW}@h/db"',
        "host=h password=sekret",
    ],
)
def test_an_address_stands_in_an_environment_variable_only(tmp_path, monkeypatch, uri):
    monkeypatch.setenv("PW", "sekret")
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("URI", uri))
    with pytest.raises(ConfigError, match="does not belong in a configuration") as caught:
        load_settings(path)
    assert "sekret" not in str(caught.value)


def test_a_password_anywhere_in_a_configuration_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DB", "postgresql://u:sekret@h/db")
    text = CONFIG.replace("URI", '"${DB}"')
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert "sekret" not in repr(load_settings(path))
    assert "sekret" not in load_settings(path).model_dump_json()
    path.write_text(text + "tracking: {uri: 'postgresql://u:sekret@h/mlflow'}\n")
    with pytest.raises(ConfigError, match=r"tracking\.uri: an address with a password") as caught:
        load_settings(path)
    assert "sekret" not in str(caught.value)


def test_an_override_may_carry_an_address_as_it_stands_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("DB", "postgresql://h/db")
    monkeypatch.setenv("STILLE__SOURCES__CUSTOMERS__DATABASE__URI", "postgresql://u:sekret@h/db")
    monkeypatch.setenv("STILLE__TRACKING__URI", "postgresql://u:sekret@h/mlflow")
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("URI", '"${DB}"'))
    database = load_settings(path).sources["customers"].database
    assert database.uri.get_secret_value() == "postgresql://u:sekret@h/db"
    monkeypatch.setenv("STILLE__SOURCES__CUSTOMERS__DATABASE__URI", "mysql://u:sekret@h/db")
    with pytest.raises(ConfigError, match="found an address; not a PostgreSQL address") as caught:
        load_settings(path)
    assert "sekret" not in str(caught.value)


def test_an_address_that_is_none_and_a_table_without_schema(tmp_path, monkeypatch):
    monkeypatch.setenv("DB", "mysql://u:sekret@h/db")
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("URI", '"${DB}"').replace("crm.kunde", "kunde"))
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert "sources.customers.database.uri: found '${DB}'; not a PostgreSQL address" in message
    assert "sources.customers.database.table: found 'kunde'; name the schema too" in message


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql://u:p@h:1/db?password=x", "postgresql://h:1/db"),
        ("postgresql:///db?host=/run", "postgresql://local/db"),
        ("postgresql://u:p@[h/db", "postgresql://(an address that cannot be read)"),
    ],
)
def test_what_is_shown_of_an_address(uri, expected):
    assert Address("postgresql", uri).public == expected


def test_limits_are_added_where_an_address_has_none():
    assert with_timeouts("postgresql://h/db").startswith("postgresql://h/db?connect_timeout=10&")
    assert with_timeouts("postgresql://h/db?connect_timeout=3").count("connect_timeout") == 1
    assert with_timeouts("postgresql:///db?host=/x").startswith("postgresql:///db?host=/x&")


def test_the_databases_own_words_lose_the_password():
    address = Address("postgresql", "postgresql://me:se%kret@h/db")
    said = 'invalid percent-encoded token: "se%kret"\nmore'
    assert address.hide(said) == 'invalid percent-encoded token: "***"'
    assert address.hide('failed for user "me"') == 'failed for user "me"'
    in_query = Address("postgresql", "postgresql://me@h/db?password=a%2520b")
    assert in_query.hide("tried a%20b") == "tried ***"
