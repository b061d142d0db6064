"""The SQL of ``stille unload``: run in DuckDB and PostgreSQL, parsed for the other warehouses."""

import hashlib
import subprocess
from functools import cache
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import simulated
import sqlglot
import yaml
from adbc_driver_postgresql import dbapi
from hypothesis import given
from hypothesis import strategies as st
from postgres_server import cluster
from sqlglot import exp

from features.contract import TABLES
from features.errors import ConfigError, ContractError
from pipelines.config.settings import load_settings
from pipelines.config.sources import ColumnMap, Source, composed
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.unload import unload as unload_sql
from pipelines.sources.unload import warehouses

# Every type of the contract, a table without customers, rows with a known_at of their own.
READ = ("customers", "contracts", "invoices", "contacts", "usage", "price_list")
PLACES = {"snowflake": "@stage/stille", "bigquery": "gs://bucket/stille"}
NATIVE = {"postgresql": "postgres"}


def unload(settings, dialect, into, names=(), schema=""):
    return unload_sql(settings, dialect, into, names, schema)


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    return simulated.run(tmp_path_factory.mktemp("simulation"), customers=15, months=8)


@pytest.fixture
def demo(tmp_path, root, simulation):
    """The demo's configuration with tables below ``data``, each source with ``changes(name)``.

    Columns of the contract that the simulated tables lack are dropped.
    """

    def make(data=simulation, changes=lambda name: {}):
        document = yaml.safe_load((root / "configs/demo.yaml").read_text("utf-8"))
        document["paths"] = {"data": str(data), "var": str(tmp_path / "var")}
        document["sources"] = {name: document["sources"][name] for name in READ}
        for name in READ:
            there = pq.read_schema(simulation / "tables" / f"{name}.parquet").names
            lacking = [c.name for c in TABLES[name].columns if c.name not in there]
            dropped = {"dropped": dict.fromkeys(lacking, "not there")}
            document["sources"][name] |= dropped | changes(name)
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return load_settings(path)

    return make


def contents(settings, folder):
    """Every table's columns and rows, sorted, and the facts of the snapshot."""
    snapshot = take_snapshot(settings, folder)
    tables = {}
    for name in READ:
        relation = duckdb.read_parquet(str(snapshot.path(name, 0)))
        tables[name] = (relation.columns, sorted(map(repr, relation.fetchall())))
    return tables, snapshot.tables


def part_of(customer):
    return hashlib.md5(customer.encode(), usedforsecurity=False).hexdigest()[:1]


def test_what_duckdb_writes_is_read_as_the_tables_themselves(demo, simulation, tmp_path):
    wanted, _ = contents(demo(), tmp_path / "before")
    folder = tmp_path / "o'ut"
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'Asia/Tokyo'")
        for name in READ:
            connection.execute(f"create table {name} as from '{simulation}/tables/{name}.parquet'")
        sql = unload(demo(), "duckdb", str(folder))
        # Twice: what was written before is replaced.
        connection.execute(sql)
        connection.execute(sql)
    settings = demo(tmp_path, lambda name: {"path": f"o'ut/{name}/", "timezone": "UTC"})
    tables, facts = contents(settings, tmp_path / "after")
    assert tables == wanted
    for name in READ:
        assert facts[name].unread == ("part",)
        for path in (folder / name).rglob("*.parquet"):
            ids = pq.read_table(path, partitioning=None).to_pydict().get("customer_id", [""])
            assert {part_of(each) for each in ids} == {path.parent.name.removeprefix("part=")}


@pytest.fixture(scope="module")
def server(postgresql):
    with cluster(postgresql) as running:
        yield running


@pytest.fixture
def psql(server, postgresql):
    """Run SQL as the documentation says, in a session with habits of its own."""

    def run(sql):
        options = "-c DateStyle=German -c TimeZone=Asia/Tokyo"
        return subprocess.run(
            [postgresql / "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", server.uri()],
            input=sql,
            env={"PGOPTIONS": options, "PGCLIENTENCODING": "UTF8"},
            check=True,
            capture_output=True,
            encoding="utf-8",
        ).stdout

    return run


def ingest(server, simulation):
    server.run("drop schema if exists crm cascade", "create schema crm")
    with dbapi.connect(server.uri(), autocommit=True) as connection, connection.cursor() as cursor:
        for name in READ:
            rows = pq.read_table(simulation / "tables" / f"{name}.parquet")
            cursor.adbc_ingest(name, rows, db_schema_name="crm")


def test_what_postgresql_writes_is_read_as_the_tables_themselves(
    demo, simulation, server, psql, tmp_path
):
    wanted, _ = contents(demo(), tmp_path / "before")
    ingest(server, simulation)
    folder = tmp_path / "o'ut"
    folder.mkdir()
    assert psql(unload(demo(), "postgresql", str(folder), schema="crm")) == ""
    settings = demo(tmp_path, lambda name: {"path": f"o'ut/{name}.csv", "timezone": "UTC"})
    tables, _ = contents(settings, tmp_path / "after")
    assert tables == wanted


HENV = {
    "contact_id": "id",
    "customer_id": 'Kunde"; nr',
    "started_at": "kl",
    "topic": "om",
    "channel": {"column": "kanal", "values": {"tlf": "phone", "epost": "email"}},
    "direction": {"value": "inbound"},
}
AVTALE = {
    "contract_id": "id",
    "customer_id": 'Kunde"; nr',
    "started_on": "fra",
    "product_line": {"value": "electricity"},
    "price": "pris",
}


def test_what_is_no_plain_rename_stays_with_the_configuration(
    company, server, psql, tmp_path, monkeypatch
):
    monkeypatch.setenv("STILLE_DB_URI", server.uri())
    server.run(
        "drop schema if exists crm cascade",
        "create schema crm",
        """create table crm."Henv" (id bigint, "Kunde""; nr" char(6), kl timestamptz, om text,
            kanal text, status text, "Telefon" text)""",
        """insert into crm."Henv" values
            (707057500000001234, '1', '2026-07-01 00:30+02', 'a, "b"\nå', 'tlf', 'ok', '+4791'),
            (2, '2', '2026-10-25 00:30+00', null, 'epost', 'ok', ''),
            (3, '2', '2026-10-26 00:30+00', 'x', 'sms', 'slettet', '')""",
        """create table crm.avtale (id text, "Kunde""; nr" int, fra timestamptz, pris numeric)""",
        "insert into crm.avtale values ('a', 1, '2024-05-31 22:00+00', 249.5)",
    )

    def source(table, columns, **more):
        return {"database": {"uri": "${STILLE_DB_URI}", "table": table}, "columns": columns, **more}

    filters = {"rows_without": {"status": ["slettet"]}}
    sources = {
        "contacts": source("crm.Henv", HENV, **filters),
        "contracts": source("crm.avtale", AVTALE),
    }

    def rows(settings, folder):
        snapshot = take_snapshot(settings, folder)
        read = [duckdb.read_parquet(str(snapshot.path(name, 0))) for name in sources]
        return [(each.columns, sorted(map(repr, each.fetchall()))) for each in read]

    settings = company(None, sources)
    wanted = rows(settings, tmp_path / "before")
    sql = unload(settings, "postgresql", str(tmp_path / "data"), ["contacts", "contracts"])
    psql(sql)
    assert "Telefon" not in sql
    assert (
        "-- sources.contacts: path contacts.csv, timezone UTC; columns that stay: channel, " in sql
    )
    stay = {
        "contacts": {name: HENV[name] for name in ("channel", "direction")},
        "contracts": {"product_line": AVTALE["product_line"]},
    }
    files = {
        name: {"path": f"{name}.csv", "timezone": "UTC", "columns": columns}
        for name, columns in stay.items()
    }
    files["contacts"] |= filters
    assert rows(company(None, files), tmp_path / "after") == wanted


def test_the_folder_of_an_id_is_the_same_everywhere(server):
    for customer in ("007", "Åse Ørjan ß", "名前😀", ""):
        with dbapi.connect(server.uri()) as connection, connection.cursor() as cursor:
            for dialect, ask in (("postgresql", cursor), ("duckdb", duckdb.connect())):
                ask.execute("select " + warehouses()[dialect].part.format(f"'{customer}'"))
                assert ask.fetchone() == (part_of(customer),)


def parsed(sql, dialect):
    """The statements of a printed text; none but those of the session is beyond the parser."""
    if dialect == "postgresql":
        # psql's own lines, of which each table has one before its statement and one after.
        sql = sql.replace("\\o '/out/customers.csv'\n", "").removesuffix("\n\\o")
    statements = sqlglot.parse(sql, read=NATIVE.get(dialect, dialect))
    commands = {each.this.upper() for each in statements if isinstance(each, exp.Command)}
    assert commands <= {"SET", "REMOVE", "END"}
    return [each for each in statements if not isinstance(each, exp.Command | exp.Set | exp.Alter)]


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery", "databricks"])
def test_every_statement_is_of_its_dialect(demo, dialect):
    settings, place = demo(), PLACES.get(dialect, "s3://bucket/stille")
    for name in READ:
        sql = unload(settings, dialect, place, [name], "a-b.c")
        statements = parsed(sql, dialect)
        kinds = {
            "snowflake": [exp.Copy],
            "bigquery": [exp.Create, exp.ForIn],
            "databricks": [exp.Create, exp.Create, exp.Insert],
        }
        assert [type(each) for each in statements] == kinds[dialect]
        select = statements[0].find(exp.Select)
        dropped = settings.sources[name].dropped
        columns = [c.name for c in TABLES[name].columns if c.name not in dropped]
        known_at = ["known_at"] if settings.sources[name].known_delay_days is None else []
        assert select.named_selects == [*columns, *known_at, "part"]
        stored = name.upper() if dialect == "snowflake" else name
        table = select.find(exp.Table)
        assert [part.name for part in table.parts] == ["a-b", "c", stored]
        assert f"'{place}/{name}/'" in sql
        casts = {each.alias: each.this for each in select.selects}
        for column in (TABLES[name].column(each) for each in columns):
            cast = casts[column.name]
            wanted = {
                "date": exp.DataType.Type.DATE,
                "text": exp.DataType.Type.TEXT,
                "money": exp.DataType.Type.DECIMAL,
                "price": exp.DataType.Type.DECIMAL,
            }.get(column.type)
            assert wanted is None or cast.to.this in (wanted, exp.DataType.Type.VARCHAR)


def test_a_warehouse_of_the_company_s_own_is_one_entry_and_checked(demo, tmp_path, monkeypatch):
    own = tmp_path / "warehouses.yaml"
    monkeypatch.setattr("pipelines.sources.unload.WAREHOUSES", own)
    own.write_text("mine: {sql: 'WRITE {select} INTO {into}', capitals: true}")
    assert "FROM \"USAGE\" INTO '/out/usage/'" in unload(demo(), "mine", "/out", ["usage"])
    own.write_text("mine: {sql: 'WRITE {rows}'}")
    with pytest.raises(ConfigError, match="nothing stands for rows"):
        unload(demo(), "mine", "/out")


SIGNS = st.sampled_from("\"'`;\\\n\r-/* )({}$:@")
LETTERS = st.characters(codec="utf-8", exclude_characters="\0.")
HOSTILE = st.text(SIGNS | LETTERS, min_size=1).map(lambda text: composed(f"{text}x"))


@pytest.mark.fault(37)
@pytest.mark.parametrize("dialect", warehouses())
@given(name=HOSTILE, other=HOSTILE, schema=HOSTILE, folder=HOSTILE)
def test_what_is_hostile_stays_inside_its_quotes(dialect, name, other, schema, folder):
    def statements(name, other, schema, place):
        columns = {"customer_id": ColumnMap(column=name)}
        source = Source(path="c.csv", known_delay_days=0, columns=columns, rows_with=(other,))
        settings = plain().model_copy(update={"sources": {"customers": source}})
        return parsed(unload(settings, dialect, place, schema=schema), dialect)

    place = PLACES.get(dialect, "/out")
    harmless = statements("a", "b", "s", place)
    if dialect != "postgresql":
        place = f"{place}/{folder}"
    found = statements(name, other, schema, place)
    assert [type(each) for each in found] == [type(each) for each in harmless]
    select = found[0].find(exp.Select)
    read = [other] if name == other else ["customer_id", other]
    assert select.named_selects == [*read, "part"]
    assert {column.name for column in select.find_all(exp.Column)} == {name, other}
    assert select.find(exp.Table).db == schema
    texts = {text.name for each in found for text in each.find_all(exp.Literal)}
    assert dialect == "postgresql" or f"{place}/customers/" in texts


@cache
def plain():
    return load_settings(Path(__file__).parents[3] / "configs/demo.yaml")


@pytest.mark.parametrize("folder", ["a'b", "a\\b", "a\\nb", "a\nb", "a`b", ":HOME", "$HOME a"])
def test_psql_writes_into_a_folder_of_any_name(psql, server, tmp_path, folder):
    server.run("drop schema if exists crm cascade", "create schema crm")
    server.run(
        "create table crm.customers (customer_id int)", "insert into crm.customers values (7)"
    )
    (tmp_path / folder).mkdir()
    source = Source(path="c.csv", known_delay_days=0, columns={"customer_id": "customer_id"})
    settings = plain().model_copy(update={"sources": {"customers": source}})
    assert psql(unload(settings, "postgresql", str(tmp_path / folder), schema="crm")) == ""
    assert (tmp_path / folder / "customers.csv").read_text() == "customer_id,part\n7,8\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dialect", "mysql"), "'mysql': use one of snowflake, bigquery"),
        (("invoice", "--dialect", "duckdb"), "did you mean 'invoices'"),
        (("household_notices", "--dialect", "duckdb"), "'household_notices': use one of"),
    ],
)
def test_what_is_unknown_is_named(stille, arguments, said):
    ended = stille("unload", *arguments, "--into", "out")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_the_command_prints_the_tables_that_are_named(stille):
    ended = stille("unload", "usage", "--dialect", "duckdb", "--into", "out/", "--schema", "crm")
    assert ended.code == 0
    assert ended.out.startswith("-- sources.usage: path usage/, timezone UTC; ")
    assert ended.out.count("COPY (") == 1
    assert 'FROM "crm"."usage") TO \'out/usage/\' (' in ended.out


def test_every_table_that_is_configured_is_printed():
    crm = {"uri": "postgresql://reader@host/crm", "table": "crm.calls"}
    sources = {
        "customers": Source(path="c.csv", known_delay_days=0, static=True),
        "contacts": Source(database=crm, known_delay_days=0, static=True),
    }
    settings = plain().model_copy(update={"sources": sources})
    sql = unload(settings, "duckdb", "out", [], "")
    assert sql.count("COPY (") == 2
    assert 'FROM "crm"."calls"' in sql


def written(settings, table):
    """The SQL of every column that is written, by its name in the file."""
    sql = unload(settings, "duckdb", "/out", [table])
    select = sqlglot.parse_one(sql[sql.index("COPY (") :], read="duckdb").find(exp.Select)
    return {each.alias: each.this.sql("duckdb") for each in select.selects}, sql


INVOICES = {
    "path": "i.parquet",
    "columns": {"invoice_id": "nr", "issued_on": "dag", "amount": "sum"},
}
RAW_DAY, DAY = '"dag"', 'CAST("dag" AS DATE)'
RAW_TIME = '"tid"'
UTC_TIME = "CAST(\"tid\" AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"


@pytest.mark.parametrize(
    ("changes", "dialect", "zone", "day", "time"),
    [
        ({}, {}, "UTC", DAY, UTC_TIME),
        ({"path": "i.csv"}, {}, "Europe/Oslo", DAY, UTC_TIME),
        ({"timezone": "Europe/Oslo"}, {}, "Europe/Oslo", DAY, UTC_TIME),
        # A cast would make the wrong day of an instant at a midnight of Oslo.
        ({"timezone": "UTC"}, {}, "UTC", RAW_DAY, UTC_TIME),
        ({"timezone": "America/New_York"}, {}, "America/New_York", RAW_DAY, RAW_TIME),
        # And what a warehouse reads in a text may not be what the company wrote.
        ({}, {"date": "%d/%m/%Y"}, "UTC", RAW_DAY, RAW_TIME),
        ({}, {"delimiter": ";"}, "UTC", DAY, UTC_TIME),
    ],
)
def test_a_cast_never_decides_what_the_configuration_says(
    company, changes, dialect, zone, day, time
):
    mapped = {**INVOICES["columns"], "known_at": "tid"}
    settings = company(
        None, {"invoices": {**INVOICES, "columns": mapped} | changes}, dialect=dialect
    )
    columns, sql = written(settings, "invoices")
    assert columns["issued_on" if day == DAY else "dag"] == day
    assert columns["known_at" if time == UTC_TIME else "tid"] == time
    assert f"SET TimeZone = '{zone}'" in sql
    assert f"timezone {zone if time == RAW_TIME else 'UTC'}; columns that stay: " in sql


def test_parts_of_an_instant_stay_in_the_zone_of_the_source(company):
    columns = {"started_at": {"columns": ["dag", "kl"]}, "linked_at": "koblet", "contact_id": "nr"}
    source = {"path": "c.parquet", "timezone": "Europe/Oslo", "columns": columns}
    found, sql = written(company(None, {"contacts": source}), "contacts")
    assert [found[name] for name in ("dag", "kl", "koblet")] == ['"dag"', '"kl"', '"koblet"']
    assert "timezone Europe/Oslo; columns that stay: linked_at, started_at; not selected: " in sql


def test_attributes_and_filters_are_written_as_they_stand(company):
    source = {
        "path": "k.parquet",
        "columns": {"customer_id": "nr", "joined_on": "fra"},
        "attributes": {"plan": {"column": "Plan", "type": "category"}},
        "rows_with": ["fra"],
    }
    found, sql = written(company(None, {"customers": source}), "customers")
    assert list(found) == ["customer_id", "Plan", "fra", "part"]
    assert found["fra"] == '"fra"'
    assert sql.count("-- as it stands: the mapping in the configuration applies") == 2
    assert "columns that stay: joined_on; not selected: segment, " in sql


def test_two_columns_of_one_name_are_refused(company):
    columns = {"invoice_id": "nr", "issued_on": "dag", "amount": "sum", "due_on": "forfall"}
    for name in ("Amount", "part"):
        source = {"path": "i.parquet", "columns": columns, "rows_with": [name]}
        with pytest.raises(ConfigError, match=f"two columns called {name.lower()}"):
            unload(company(None, {"invoices": source}), "duckdb", "/out")


def test_no_forbidden_column_is_written(company):
    source = {"path": "c.csv", "columns": {"customer_id": "phone"}}
    with pytest.raises(ContractError, match="forbidden column"):
        unload(company(None, {"customers": source}), "duckdb", "/out")
