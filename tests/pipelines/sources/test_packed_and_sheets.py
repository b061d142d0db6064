"""Sources as people have them: workbooks, compressed files, archives, SQLite, titles above."""

import gzip
import lzma
import sqlite3
import zipfile
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from openpyxl import Workbook
from programs import required

from features.errors import ConfigError, ContractError
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.addresses import Address
from pipelines.sources.database_reader import driver_of

BILLS = "invoice_id,customer_id,issued_on,amount\na,1,2026-01-05,100\nb,1,2026-02-05,90\n"
INVOICES = {"customers": {"path": "customers.csv"}}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def invoices(company, tmp_path, data):
    """The invoices that a source gives, as (id, day, amount)."""

    def read(**source):
        settings = company({"customers.csv": "customer_id\n1\n"}, INVOICES | {"invoices": source})
        snapshot = take_snapshot(settings, tmp_path / "snapshot")
        assert not snapshot.tables["invoices"].quarantined
        return duckdb.execute(
            f"select invoice_id, issued_on, amount from '{snapshot.path('invoices', 0)}' order by 1"
        ).fetchall()

    return read


READ = [("a", date(2026, 1, 5), 100), ("b", date(2026, 2, 5), 90)]


def zipped(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)


def test_a_compressed_file_is_read_and_a_cut_off_one_refused(invoices, data):
    path = data / "bills.csv.gz"
    path.write_bytes(gzip.compress(BILLS.encode()))
    assert invoices(path="bills.csv.gz") == READ
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ContractError, match=r"bills\.csv\.gz: damaged or cut off"):
        invoices(path="bills.csv.gz")


def test_an_archive_has_one_file_or_says_which(invoices, data):
    zipped(data / "one.zip", bills__csv=BILLS)
    assert invoices(path="one.zip") == READ
    zipped(data / "two.zip", bills__csv=BILLS, notes__txt="x")
    with pytest.raises(ContractError, match=r"which of its files\? .* bills\.csv, notes\.txt"):
        invoices(path="two.zip")
    assert invoices(path="two.zip", table="bills.csv") == READ
    (data / "no.zip").write_bytes(b"PK no")
    with pytest.raises(ContractError, match="damaged or cut off"):
        invoices(path="no.zip")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_titles_above_a_header_are_skipped_and_lines_counted(invoices, data, encoding):
    titles = 'Rapport "beløp\n\n'
    (data / "b.csv").write_bytes((titles + BILLS).encode(encoding))
    source = {"path": "b.csv", "header_row": 3, "dialect": {"encoding": encoding}}
    assert invoices(**source) == READ
    (data / "b.csv").write_bytes((titles + BILLS + "c,1\n").encode(encoding))
    with pytest.raises(ContractError, match=r"line 6: 2 fields"):
        invoices(**source)


@pytest.mark.parametrize("name", ["b.csv", "b.txt"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(BILLS.encode(), mtime=0), "compressed with gzip"),
        (b"\xd0\xcf\x11\xe0 workbook", "an old workbook: save it as .xlsx"),
        (b"PAR1", "a Parquet file"),
        (lzma.compress(BILLS.encode()), "compressed with xz: pack it as .csv.gz"),
        (BILLS.encode("utf-16"), "not utf-8, .* dialect: {encoding: utf-16}"),
    ],
    ids=["gzip", "workbook", "parquet", "xz", "utf-16"],
)
def test_what_is_no_text_is_named(invoices, data, name, content, said):
    (data / name).write_bytes(content)
    with pytest.raises(ContractError, match=said):
        invoices(path=name)


def workbook(path, **sheets):
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)


HEADER = ["invoice_id", "customer_id", "issued_on", "amount"]


def test_a_sheet_is_read_with_the_types_of_its_cells(invoices, data):
    rows = [
        ["Fakturaer 2026"],
        [],
        [*HEADER, None],
        ["a", 1, datetime.fromisoformat("2026-01-05"), 1.0],
        [None] * 4,
        ["b", 1, date(2026, 2, 5), 0.9],
    ]
    workbook(data / "b.xlsx", Bilag=rows)
    assert invoices(path="b.xlsx", header_row=3, money_unit="major") == READ
    with pytest.raises(ContractError, match="row 3: a cell to the right of the header"):
        invoices(path="b.xlsx")
    workbook(data / "b.xlsx", Bilag=rows[2:], Andre=[["x"]])
    with pytest.raises(ContractError, match=r"which sheet\? .* Bilag, Andre"):
        invoices(path="b.xlsx")
    assert invoices(path="b.xlsx", table="Bilag", money_unit="major") == READ
    workbook(data / "b.xlsx", Bilag=[*rows[2:], ["c", 1, date(2026, 1, 1), 1, "?"]])
    with pytest.raises(ContractError, match="row 5: a cell to the right of the header"):
        invoices(path="b.xlsx", table="Bilag")


def test_cells_of_several_kinds_are_text_of_the_dialect(invoices, data):
    rows = [HEADER, ["a", 1, date(2026, 1, 5), 99.5], [7, 1, "05.02.2026", "1 200,50"]]
    workbook(data / "b.xlsx", B=rows)
    dialect = {"date": "%d.%m.%Y", "decimal": ",", "thousands": " "}
    found = invoices(path="b.xlsx", dialect=dialect, money_unit="major")
    assert found == [("7", date(2026, 2, 5), 120050), ("a", date(2026, 1, 5), 9950)]


def test_keys_that_excel_has_rounded_are_refused(invoices, data):
    workbook(data / "b.xlsx", B=[HEADER, [1234567890123456789, 1, date(2026, 1, 5), 1]])
    with pytest.raises(ContractError, match=r"'invoice_id' .* have lost digits"):
        invoices(path="b.xlsx")


def test_a_damaged_workbook_is_named(invoices, data):
    (data / "b.xlsx").write_bytes(b"PK no")
    with pytest.raises(ContractError, match=r"b\.xlsx: not a whole Excel file"):
        invoices(path="b.xlsx")


def in_sqlite(path, *statements):
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)
    return path


BILLS_TABLE = (
    "create table bills (invoice_id, customer_id int, issued_on text, amount real, note)",
    "insert into bills values ('a', 1, '2026-01-05', 1, null), (7, 1, '2026-02-05', 0.9, x'00')",
)


def test_a_table_of_an_sqlite_file_is_read_by_the_types_of_its_values(invoices, data):
    in_sqlite(data / "crm.db", *BILLS_TABLE)
    found = invoices(path="crm.db", table="bills", money_unit="major")
    assert found == [("7", date(2026, 2, 5), 90), ("a", date(2026, 1, 5), 100)]
    with pytest.raises(ContractError, match="no table 'bill'; did you mean 'bills'"):
        invoices(path="crm.db", table="bill")
    (data / "crm.db").write_bytes(b"SQLite format 3\0 no")
    with pytest.raises(ContractError, match=r"crm\.db: not a whole SQLite file"):
        invoices(path="crm.db", table="bills")


def test_an_adbc_driver_is_found_by_its_name(invoices, data, tmp_path, monkeypatch):
    pytest.importorskip("adbc_driver_sqlite")
    path = in_sqlite(tmp_path / "crm.db", *BILLS_TABLE)
    monkeypatch.setenv("CRM", f"file:{path}?mode=ro")
    database = {"driver": "sqlite", "uri": "${CRM}", "table": "bills"}
    found = invoices(database=database, money_unit="major")
    assert [row[2] for row in found] == [90, 100]
    with pytest.raises(ContractError, match=r"sqlite: .*no such table"):
        invoices(database=database | {"table": "bill"})


def test_a_driver_that_is_not_installed_names_the_command(invoices, monkeypatch):
    monkeypatch.setenv("CRM", "x://u:hemmelig@h/db")
    source = {"driver": "nodatabase", "uri": "${CRM}", "table": "bills"}
    with pytest.raises(ConfigError, match="pip install adbc-driver-nodatabase") as caught:
        invoices(database=source)
    assert "hemmelig" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"options\.password: .*does not belong"):
        invoices(database={**source, "options": {"password": "hemmelig"}})


def test_an_odbc_database_is_read_by_its_connection_string(invoices, tmp_path, monkeypatch):
    driver = next(Path("/usr").glob("lib*/**/odbc/libsqlite3odbc.so"), None)
    required("ODBC", driver, "apt-get install unixodbc libsqliteodbc")
    path = in_sqlite(
        tmp_path / "crm.db",
        "create table bills (invoice_id varchar(9), customer_id int, issued_on date, amount real)",
        "insert into bills values ('a', 1, '2026-01-05', 1), ('b', 1, '2026-02-05', 0.9)",
    )
    monkeypatch.setenv("CRM", f"Driver=SQLite3;Database={path};PWD=hemmelig")
    database = {"driver": "odbc", "uri": "${CRM}", "table": "bills"}
    assert invoices(database=database, money_unit="major") == READ
    in_sqlite(path, "create table long (invoice_id text, customer_id int, issued_on date, amount)")
    in_sqlite(path, f"insert into long values ('{'x' * 5000}', 1, '2026-01-05', 1)")
    with pytest.raises(ContractError, match="a text has more than 4,096 bytes"):
        invoices(database=database | {"table": "long"})


def test_a_message_has_no_secret_of_a_connection_string():
    address = Address("odbc", "Driver=X;Server=h;PWD=hemmelig", (("token", "abc123"),))
    assert address.hide("login with hemmelig and abc123 failed") == "login with *** and *** failed"
    assert "hemmelig" not in repr(address)
    assert driver_of("bigquery").quote("a.b") == "`a`.`b`"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"path": "a.db"}, "table: required: which table of the file"),
        ({"path": "a.csv", "table": "x"}, "workbooks and archives have tables"),
        ({"path": "a.parquet", "header_row": 2}, "only text files and sheets have a header row"),
    ],
)
def test_what_does_not_fit_a_kind_of_file_is_refused(invoices, source, said):
    with pytest.raises(ConfigError, match=said):
        invoices(**source)


@pytest.mark.parametrize(
    ("unit", "tenure", "joined"),
    [
        ("days", "0", date(2026, 3, 30)),
        ("days", "31", date(2026, 2, 28)),
        ("months", "0", date(2026, 3, 30)),
        ("months", "1", date(2026, 2, 28)),
        ("months", "12", date(2025, 3, 31)),
        ("months", "1.5", date(2026, 2, 13)),
        ("quarters", "2", date(2025, 9, 30)),
        ("years", "3", date(2023, 3, 31)),
        ("years", "-1", None),
        ("years", "2019", None),
        ("months", "?", None),
    ],
)
def test_a_duration_counts_back_from_the_day_the_table_was_taken(
    company, tmp_path, unit, tenure, joined
):
    origin = {"column": "tenure", f"{unit}_before": date(2026, 3, 31)}
    columns = {"customer_id": "id", "joined_on": origin}
    settings = company(
        {"customers.csv": f"id,tenure\n1,{tenure}\n2,1\n3,1\n4,1\n"},
        {"customers": {"path": "customers.csv", "columns": columns}},
        quality={"max_quarantine_share": 0.5},
    )
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    path = snapshot.path("customers", 0)
    found = duckdb.execute(f"select joined_on from '{path}' where customer_id = '1'").fetchall()
    assert found == ([] if joined is None else [(joined,)])
    unreadable = {} if joined else {"joined_on: unreadable": 1}
    assert snapshot.tables["customers"].quarantined == unreadable


def test_only_a_day_is_given_as_a_duration(company):
    origin = {"column": "x", "months_before": date(2026, 3, 31)}
    for column, given, said in (
        ("segment", origin | {"static": True}, "only a date can be given as a duration"),
        ("joined_on", origin | {"days_before": date(2026, 3, 31)}, "a duration has one unit"),
    ):
        with pytest.raises(ConfigError, match=said):
            company(None, {"customers": {"path": "c.csv", "columns": {column: given}}})
