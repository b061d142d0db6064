from datetime import date, datetime
from unicodedata import normalize

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unescaping import unescape

from features.contract import TABLES
from features.errors import ConfigError, ContractError
from features.timeline import midnight_utc
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.snapshots.store import previous_snapshot
from pipelines.sources.personal_data import why_forbidden

INVOICES = "invoice_id,customer_id,issued_on,amount\n"
CONTACTS = "contact_id,customer_id,started_at,channel,wait_seconds\n"
NORSE = {"delimiter": ";", "decimal": ",", "thousands": " ", "date": "%d.%m.%Y"}


def at(written):
    return datetime.fromisoformat(written)


@pytest.fixture
def take(company, tmp_path):
    def run(files=None, sources=None, **sections):
        return take_snapshot(company(files, sources, **sections), tmp_path / "snapshot")

    return run


@pytest.fixture
def read(take):
    def rows(table, files=None, sources=None, columns="*", **sections):
        snapshot = take(files, sources, **sections)
        path = snapshot.path(table, 0)
        return duckdb.execute(f"select {columns} from '{path}'").fetchall()

    return rows


@pytest.fixture
def refused(take):
    def message(files=None, sources=None, **sections):
        with pytest.raises(ContractError) as caught:
            take(files, sources, **sections)
        assert caught.value.exit_code == 3
        return str(caught.value)

    return message


def customers(**more):
    return {"customers": {"path": "customers.csv", **more}}


@pytest.mark.fault(1)
def test_a_missing_file_names_the_path_tried(refused):
    message = refused(sources={"invoices": {"path": "bills/*.csv"}})
    assert "invoices: no file matches" in message
    assert "data/bills/*.csv" in message


@pytest.mark.fault(37)
def test_a_link_that_leaves_the_data_folder_is_refused(company, tmp_path):
    settings = company()
    (tmp_path / "secret.csv").write_text("customer_id\n1\n")
    (tmp_path / "data" / "customers.csv").unlink()
    (tmp_path / "data" / "customers.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(ConfigError, match="leads outside"):
        take_snapshot(settings, tmp_path / "snapshot")


@pytest.mark.fault(3, 6, 8, 9, 10)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "customers.csv: the file is empty (0 bytes)"),
        (b"customer_id,joined_on\n", "customers.csv: only a header and no rows"),
        (b"customer_id,joined_on\r\n\r\n", "customers.csv: only a header and no rows"),
        (b"\ncustomer_id\n1\n", "customers.csv, line 1: no header"),
        (b"customer_id,segment\n1,a\n2\n3,c\n", "customers.csv, line 3: 1 fields where"),
        (b"customer_id,segment\n1,a\n2,b,c\n3,c\n", "customers.csv, line 3: 3 fields where"),
        (b"customer_id,segment\n1,a,\n2,b,\n", "customers.csv, line 2: 3 fields where"),
        (b'customer_id,segment\n1,"a,b"\n2,b,\n', "customers.csv, line 3: 3 fields where"),
        (b'customer_id,segment\n1,a\n2,"b\n3,c\n', "customers.csv, line 3: a quote is opened"),
        (b'customer_id,segment\n1,"a"x\n', "customers.csv, line 2: breaks the declared dialect"),
        (b"customer_id,segment\n1,a\n2,\0b\n", "customers.csv, line 3: a NUL byte"),
        (b"customer_id,segment\n1,a\n2,\xe9\n", "customers.csv, line 3: not utf-8, the declared"),
        (b"customer_id,segment,segment\n1,a,b\n", "column 'segment' is there twice"),
        (b"customer_id,segment\n1," + b"x" * 3_000_000 + b"\n", "customers.csv, line 2: "),
    ],
    ids=[
        "zero bytes",
        "header only",
        "header and a blank line",
        "blank header",
        "short row",
        "long row",
        "trailing delimiter",
        "quoted delimiter then a long row",
        "unterminated quote",
        "text after a quote",
        "NUL byte",
        "another encoding",
        "column twice",
        "oversized field",
    ],
)
def test_a_broken_text_file_is_refused_with_its_line(refused, content, said):
    assert said in refused({"customers.csv": content})


def test_lines_are_counted_through_quoted_line_ends(refused):
    content = 'customer_id,segment\n1,"a\nb"\n2\n'
    assert "customers.csv, line 4: 1 fields" in refused({"customers.csv": content})


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfcustomer_id,segment\r\n1,a\r\n2,b\r\n",
        b"customer_id,segment\n1,a\n2,b",
        b"customer_id,segment\n1,a\n\n2,b\n\n",
        b'"customer_id","segment"\n"1","a"\n"2","b"\n',
    ],
    ids=["byte-order mark and CRLF", "no last line end", "blank lines", "all quoted"],
)
def test_harmless_variants_read_alike(read, content):
    rows = read("customers", {"customers.csv": content}, columns="customer_id, segment")
    assert rows == [("1", "a"), ("2", "b")]


def test_quotes_hold_delimiters_quotes_and_line_ends(read):
    content = 'customer_id,segment\n1,"a,""b""\r\nc"\n'
    rows = read("customers", {"customers.csv": content}, columns="segment")
    assert rows == [('a,"b"\r\nc',)]


@pytest.mark.fault(7)
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
def test_a_declared_encoding_is_read(read, encoding):
    content = "customer_id,segment\n1,Blåbær\n".encode(encoding)
    rows = read("customers", {"customers.csv": content}, dialect={"encoding": encoding})
    assert rows[0][2] == "Blåbær"


@pytest.mark.fault(4)
def test_a_truncated_parquet_file_is_refused(refused, tmp_path):
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"customer_id": [str(n) for n in range(1000)]}), whole)
    for length in (0, 4, 500, whole.stat().st_size - 1):
        cut = whole.read_bytes()[:length]
        message = refused({"c.parquet": cut}, customers(path="c.parquet"))
        assert "c.parquet: " in message
        assert "empty" in message or "not a whole Parquet file" in message


@pytest.mark.fault(5)
def test_a_damaged_parquet_file_is_read_or_refused_and_never_a_crash(company, tmp_path):
    whole = tmp_path / "whole.parquet"
    ids = [str(n) for n in range(500)]
    pq.write_table(pa.table({"customer_id": ids, "segment": ids}), whole)
    size = whole.stat().st_size
    settings = company({"c.parquet": b""}, customers(path="c.parquet"))
    messages = []
    for place in range(4, size, size // 40):
        damaged = bytearray(whole.read_bytes())
        damaged[place] ^= 0x10
        (tmp_path / "data" / "c.parquet").write_bytes(damaged)
        try:
            take_snapshot(settings, tmp_path / "snapshot")
        except ContractError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert all("c.parquet" in message or "customers" in message for message in messages)


@pytest.mark.fault(12)
def test_ids_stay_text_with_leading_zeros(read, tmp_path):
    content = "customer_id\n007\n70705750000000123\n"
    assert sorted(r[0] for r in read("customers", {"customers.csv": content})) == [
        "007",
        "70705750000000123",
    ]


def parquet(tmp_path, columns):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


@pytest.mark.fault(12)
def test_long_integer_ids_in_parquet_become_text_unharmed(read, tmp_path):
    content = parquet(tmp_path, {"customer_id": pa.array([707057500000001234], pa.int64())})
    rows = read("customers", {"c.parquet": content}, customers(path="c.parquet"))
    assert rows[0][0] == "707057500000001234"


def test_float_ids_are_read_as_far_as_they_are_exact(read, refused, tmp_path):
    content = parquet(tmp_path, {"customer_id": [1.0, 2.0**53 - 1]})
    rows = read("customers", {"c.parquet": content}, customers(path="c.parquet"))
    assert sorted(row[0] for row in rows) == ["1", "9007199254740991"]
    for damaged in (2.0**53, 1.5, float("inf")):
        content = parquet(tmp_path, {"customer_id": [1.0, damaged]})
        message = refused({"c.parquet": content}, customers(path="c.parquet"))
        assert "customers: 'customer_id' (for customer_id) is written as a floating" in message
        assert "1 rows, first in" in message
        assert "c.parquet rows 2. Export it as text" in message


@pytest.mark.fault(13)
def test_a_renamed_column_is_named_with_the_nearest_one(refused):
    message = refused(
        {"customers.csv": "kunde_nr,segment\n1,a\n"},
        customers(columns={"customer_id": "kundenr"}),
    )
    assert "'kundenr' (for customers.customer_id) is not there; did you mean 'kunde_nr'?" in message
    assert "the file has: kunde_nr, segment" in message


@pytest.mark.promise("private")
@pytest.mark.fault(13)
def test_an_added_column_is_reported_and_a_forbidden_one_never_read(take):
    content = "customer_id,segment,colour,Phone\n1,a,red,+4791234567\n"
    snapshot = take({"customers.csv": content}, customers(dropped={"colour": "no use"}))
    assert snapshot.tables["customers"].forbidden == ("Phone",)
    assert snapshot.tables["customers"].unread == ("Phone",)
    written = b"".join(p.read_bytes() for p in snapshot.root.rglob("*") if p.is_file())
    assert b"91234567" not in written


@pytest.mark.parametrize(
    "mapping",
    [
        {"columns": {"agent_id": "who"}},
        {"columns": {"segment": "Name"}},
        {"attributes": {"who": {"column": "email", "type": "category"}}},
    ],
)
def test_a_forbidden_column_cannot_be_mapped(refused, mapping):
    content = "customer_id,who,Name,email\n1,a,b,c\n"
    message = refused({"customers.csv": content}, customers(**mapping))
    assert "is a forbidden column: " in message


@pytest.mark.parametrize(
    "name",
    [
        *("Navn", "fornavn", "Telefon", "mobil", "phone_number", "E-post", "e_mail", "adresse"),
        *("personnummer", "agent", "AgentId", "agent_name", "saksbehandler", "handläggare"),
        *("employee_id", "handled_by_name", "server"),
    ],
)
def test_a_forbidden_column_in_other_words_is_still_forbidden(refused, name):
    content = f"customer_id,{name}\n1,a\n"
    message = refused({"customers.csv": content}, customers(columns={"segment": name}))
    assert f"{name!r} is a forbidden column: " in message


def test_columns_that_only_sound_like_a_forbidden_one_may_be_read():
    contract = {column.name for table in TABLES.values() for column in table.columns}
    named = {"KundeNr", "kanal", "id", "plan_name", "handled_by", "agent_wait", "phone_plan"}
    assert [name for name in sorted(contract | named) if why_forbidden(name)] == []


def test_rows_need_a_known_at_or_a_declared_delay(refused, read):
    undeclared = {"path": "c.csv", "known_delay_days": None}
    row = "a,1,2026-01-01 10:00:00,phone,5"
    message = refused({"c.csv": f"{CONTACTS}{row}\n"}, {"contacts": undeclared})
    assert "when does a row of contacts become known?" in message
    assert "sources.contacts.known_delay_days is not given" in message
    written = CONTACTS.replace("\n", ",written\n") + f"{row},2026-01-05 10:00:00\n"
    mapped = {**undeclared, "timezone": "UTC", "columns": {"known_at": "written"}}
    found = read("contacts", {"c.csv": written}, {"contacts": mapped}, "event_at, known_at")
    assert found == [(at("2026-01-01 10:00"), at("2026-01-05 10:00"))]


def test_declared_norwegian_forms_are_read(read):
    files = {
        "customers.csv": "customer_id;joined_on\n1;01.02.2026\n",
        "i.csv": "invoice_id;customer_id;issued_on;amount\n"
        "a;1;01.02.2026;1 234,50\nb;1;28.02.2026;12\u00a0345,5\nc;1;1.3.2026;7\n",
    }
    sources = {"invoices": {"path": "i.csv", "money_unit": "major"}}
    rows = read("invoices", files, sources, "issued_on, amount", dialect=NORSE)
    assert rows == [
        (date(2026, 2, 1), 123_450),
        (date(2026, 2, 28), 1_234_550),
        (date(2026, 3, 1), 700),
    ]


@pytest.mark.fault(14)
def test_a_wrong_date_form_stops_with_an_example_and_the_declared_form(refused, tmp_path):
    message = refused({"customers.csv": "customer_id,joined_on\n1,01.02.2026\n2,03.02.2026\n"})
    assert "customers: 2 of 2 rows (100.0%) break the contract; at most 5.0%" in message
    assert "joined_on: unreadable: 2 rows, first in customers.csv rows 2, 3" in message
    assert "'joined_on', written like '99.99.9999'; declared: date '%Y-%m-%d'" in message
    kept = tmp_path / "snapshot" / "refused" / "customers.csv"
    assert str(kept) in message
    assert "01.02.2026" in kept.read_text()
    assert previous_snapshot(tmp_path / "snapshot") is None


@pytest.mark.fault(14)
@pytest.mark.parametrize("written", ["1,234.50", "1.234,50", "1 234.50", "12 34.50", "1e3", ""])
def test_undeclared_number_forms_are_never_guessed(refused, written):
    files = {"i.csv": INVOICES + f'a,1,2026-01-01,"{written}"\n'}
    message = refused(files, {"invoices": {"path": "i.csv", "money_unit": "major"}})
    assert "amount: unreadable" in message or "amount: missing" in message


def many(bad_row):
    good = "".join(f"g{n},1,2026-01-01,{n}\n" for n in range(99))
    return INVOICES + good + bad_row


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("b,1,2026-13-01,5\n", "issued_on: unreadable"),
        ("b,1,,5\n", "issued_on: missing"),
        (",1,2026-01-01,5\n", "invoice_id: missing"),
        ("b,1,2026-01-01,5.5\n", "amount: unreadable"),
        ("b,1,2026-01-01,99999999999999999999\n", "amount: unreadable"),
        ("b,1,2026-01-01,-5\n", "amount: negative without a corrected invoice"),
        ("b,99,2026-01-01,5\n", "customer_id: not in customers"),
    ],
)
def test_a_single_bad_row_is_set_aside_with_its_number_and_rule(take, row, rule):
    snapshot = take({"i.csv": many(row)}, {"invoices": {"path": "i.csv"}})
    assert snapshot.tables["invoices"].rows == 99
    assert snapshot.tables["invoices"].source_rows == 100
    assert snapshot.tables["invoices"].quarantined == {rule: 1}
    kept = pd.read_csv(snapshot.root / "quarantine" / "invoices.csv", dtype=str)
    assert kept.loc[0, ["file", "row", "rule"]].tolist() == ["i.csv", "101", rule]
    # The raw values come after file, row and rule, as the source wrote them but for the
    # apostrophe that keeps a spreadsheet from running them.
    raw = unescape(kept.iloc[0, 3:].fillna("").astype("str"))
    assert ",".join(raw) + "\n" == row


@pytest.mark.fault(39)
def test_a_quarantined_formula_is_not_live_in_a_spreadsheet(take):
    bad = many("=1+1,1,2026-13-01,5\n")
    snapshot = take({"i.csv": bad}, {"invoices": {"path": "i.csv"}})
    kept = (snapshot.root / "quarantine" / "invoices.csv").read_text()
    assert "'=1+1" in kept
    assert ",=1+1" not in kept


def test_the_limit_itself_is_still_within_the_contract(take, refused):
    rows = {"i.csv": many("b,1,2026-01-01,-5\n")}
    sources = {"invoices": {"path": "i.csv"}}
    assert take(rows, sources, quality={"max_quarantine_share": 0.01})
    assert "at most 0.9%" in refused(rows, sources, quality={"max_quarantine_share": 0.009})
    assert "at most 0.9%" in refused(
        rows, {"invoices": {"path": "i.csv", "max_quarantine_share": 0.009}}
    )


@pytest.mark.fault(21)
def test_a_credit_note_that_corrects_an_invoice_is_kept(read):
    files = {
        "i.csv": "invoice_id,customer_id,issued_on,amount,corrects_invoice_id\n"
        "a,1,2026-01-01,500,\nb,1,2026-02-01,-500,a\n"
    }
    rows = read("invoices", files, {"invoices": {"path": "i.csv"}}, "amount, corrects_invoice_id")
    assert rows == [(500, None), (-500, "a")]


def test_values_outside_the_contract_are_set_aside(refused):
    rows = "a,1,2026-01-01 10:00:00,fax,5\nb,1,2026-01-01 10:00:00,phone,-1\n"
    message = refused({"c.csv": CONTACTS + rows}, {"contacts": {"path": "c.csv"}})
    assert "channel: not allowed: 1 rows" in message
    assert "rows 2, in 'channel'; allowed: phone, email" in message
    assert "fax" not in message
    assert "wait_seconds: below minimum: 1 rows" in message
    assert "the minimum is 0" in message


def test_value_names_constants_and_null_words(read):
    files = {
        "c.csv": "id,kunde,tid,kanal,ventet\n"
        "a,1,2026-01-01 10:00:00,tlf,5\nb,2,2026-01-01 10:00:00,NULL,n/a\n"
    }
    columns = {
        "contact_id": "id",
        "customer_id": "kunde",
        "started_at": "tid",
        "channel": {"column": "kanal", "values": {"tlf": "phone"}},
        "wait_seconds": "ventet",
        "direction": {"value": "inbound"},
    }
    contacts = {"path": "c.csv", "columns": columns, "dialect": {"nulls": ["NULL", "n/a"]}}
    rows = read("contacts", files, {"contacts": contacts}, "channel, wait_seconds, direction")
    assert rows == [("phone", 5, "inbound"), (None, None, "inbound")]


def test_words_that_were_given_the_contract_s_names_are_true_and_false(read):
    files = {
        "s.csv": "session_id,customer_id,started_at,completed\n"
        "a,1,2026-01-01 10:00:00,ferdig\nb,1,2026-01-01 10:00:00,avbrutt\n"
        "c,1,2026-01-01 10:00:00,JA\n"
    }
    renamed = {"column": "completed", "values": {"ferdig": "true", "avbrutt": "false"}}
    source = {
        "path": "s.csv",
        "columns": {"completed": renamed},
        "dialect": {"true_values": ["JA"]},
    }
    rows = read("self_service", files, {"self_service": source}, "session_id, completed")
    assert sorted(rows) == [("a", True), ("b", False), ("c", True)]


def test_rows_without_a_needed_column_are_left_out_and_not_counted_as_bad(take):
    files = {"p.csv": "id,left\n1,2026-01-01\n2,\n"}
    columns = {
        "contract_id": "id",
        "customer_id": "id",
        "notified_on": "left",
        "effective_on": "left",
        "outcome": {"value": "voluntary"},
    }
    source = {"path": "p.csv", "rows_with": ["left"], "columns": columns}
    facts = take(files, {"terminations": source}).tables["terminations"]
    assert (facts.rows, facts.source_rows, facts.quarantined) == (1, 1, {})


@pytest.mark.fault(11)
def test_repeated_customers_are_refused_naming_the_rows(refused):
    message = refused({"customers.csv": "customer_id\n1\n2\n1\n"})
    assert "customers: repeated key (customer_id): rows 2, 4" in message
    assert "sources.customers.duplicates: drop" in message


@pytest.mark.fault(11)
def test_repeated_customers_keep_the_first_when_so_declared(take):
    rows = "".join(f"{n},a\n" for n in range(40))
    content = "customer_id,segment\n" + rows + "7,late\n"
    snapshot = take({"customers.csv": content}, customers(duplicates="drop"))
    assert snapshot.tables["customers"].quarantined == {"key: repeated": 1}
    kept = duckdb.execute(
        f"select segment from '{snapshot.path('customers', 0)}' where customer_id = '7'"
    ).fetchall()
    assert kept == [("a",)]


def test_rows_alike_are_dropped_where_the_key_is_a_row_number(take):
    rows = "".join(f"1,2026-01-{n:02},10,5\n" for n in range(1, 29))
    files = {"c.csv": "kunde,dag,krav,betalt\n" + rows + "1,2026-01-03,10,5\n1,2026-01-03,11,5\n"}
    columns = {
        "claim_id": {"row_number": True},
        "customer_id": "kunde",
        "claimed_on": "dag",
        "claimed": "krav",
        "paid": "betalt",
    }
    source = {"path": "c.csv", "duplicates": "drop", "columns": columns}
    snapshot = take(files, {"claims": source})
    assert snapshot.tables["claims"].quarantined == {"key: repeated": 1}
    ids = duckdb.execute(f"select claim_id from '{snapshot.path('claims', 0)}'").fetchall()
    assert {"4", "31"} <= {row[0] for row in ids}
    assert "30" not in {row[0] for row in ids}


def test_several_files_are_one_table_whatever_their_column_order(take):
    files = {
        "i1.csv": INVOICES + "a,1,2026-01-01,5\n",
        "i2.csv": "amount,issued_on,customer_id,invoice_id\n6,2026-01-02,2,b\n",
    }
    snapshot = take(files, {"invoices": {"path": "i*.csv"}})
    rows = duckdb.execute(
        f"select invoice_id, amount from '{snapshot.path('invoices', 0)}' order by 1"
    ).fetchall()
    assert rows == [("a", 5), ("b", 6)]


@pytest.mark.fault(17)
def test_local_instants_become_utc_and_a_repeated_hour_is_the_earlier_one(read):
    times = ["2026-07-01 12:00:00", "2026-10-25 02:30:00", "2026-03-29 02:30:00"]
    rows = "".join(f"{n},1,{time},phone,0\n" for n, time in enumerate(times))
    found = read(
        "contacts",
        {"c.csv": CONTACTS + rows},
        {"contacts": {"path": "c.csv"}},
        "contact_id, event_at, known_at, started_at",
    )
    expected = {
        "0": at("2026-07-01 10:00"),
        "1": at("2026-10-25 00:30"),
        "2": at("2026-03-29 01:30"),
    }
    assert {row[0]: row[1] for row in found} == expected
    assert all(row[1] == row[2] == row[3] for row in found)


def test_a_source_in_utc_and_offsets_in_the_text(read):
    rows = "a,1,2026-07-01 12:00:00+0200,phone,0\n"
    source = {"path": "c.csv", "dialect": {"instant": "%Y-%m-%d %H:%M:%S%z"}}
    columns = "started_at"
    assert read("contacts", {"c.csv": CONTACTS + rows}, {"contacts": source}, columns) == [
        (at("2026-07-01 10:00"),)
    ]
    rows = "a,1,2026-07-01 12:00:00,phone,0\n"
    source = {"path": "c.csv", "timezone": "UTC"}
    assert read("contacts", {"c.csv": CONTACTS + rows}, {"contacts": source}, columns) == [
        (at("2026-07-01 12:00"),)
    ]


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/Havana", "Asia/Beirut", "UTC"])
def test_event_at_of_a_date_is_the_local_midnight_that_features_use(read, zone):
    # Days that are looked up, with both ends of these and what lies beyond.
    days = [*pd.date_range("2024-01-01", "2024-12-31").date]
    days += [date(1950, 7, 1), date(2004, 12, 31), date(2005, 1, 1), date(2039, 12, 31)]
    days += [date(2040, 1, 1), date(2199, 12, 30)]
    rows = "".join(f"{n},{day}\n" for n, day in enumerate(days))
    found = read(
        "customers",
        {"customers.csv": "customer_id,joined_on\n" + rows},
        columns="joined_on, event_at",
        company={"name": "A", "timezone": zone, "currency": "NOK", "language": "nb"},
    )
    assert len(found) == len(days)
    assert all(event_at == midnight_utc(day, zone) for day, event_at in found)


def test_native_parquet_types_are_taken_as_they_are(read, tmp_path):
    content = parquet(
        tmp_path,
        {
            "invoice_id": pa.array([1, 2], pa.int32()),
            "customer_id": ["1", "2"],
            "issued_on": pa.array([date(2026, 1, 1), date(2026, 1, 2)], pa.date32()),
            "amount": [12.34, 0.07],
            "n_lines": [3.0, float("nan")],
            "estimated": [True, None],
        },
    )
    source = {"path": "i.parquet", "money_unit": "major"}
    columns = "invoice_id, issued_on, amount, n_lines, estimated"
    assert read("invoices", {"i.parquet": content}, {"invoices": source}, columns) == [
        ("1", date(2026, 1, 1), 1234, 3, True),
        ("2", date(2026, 1, 2), 7, None, None),
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_header_is_found_however_its_letters_are_composed(read, tmp_path, ending, form):
    name = normalize(form, "påbegynt")
    content = f"customer_id,{name}\n1,2024-05-01\n".encode()
    if ending == "parquet":
        content = parquet(tmp_path, {"customer_id": ["1"], name: [date(2024, 5, 1)]})
    for mapped in ("NFC", "NFD"):
        source = customers(path=f"c.{ending}", columns={"joined_on": normalize(mapped, name)})
        rows = read("customers", {f"c.{ending}": content}, source, "joined_on")
        assert rows == [(date(2024, 5, 1),)]


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ("Kunder,,\n", "customers.csv, line 1: column '' is there twice"),
        ("Kunder\n", "customers.csv, line 1: no header, and more cells in the lines below"),
        ("sep=,\n", "customers.csv, line 1: no header, and more cells in the lines below"),
        ('"Kunder, ""alle""",,\n\n', "customers.csv, line 1: column '' is there twice"),
        ("\n", "customers.csv, line 1: no header"),
    ],
)
def test_lines_above_the_header_are_named_and_passed_over_where_declared(
    take, refused, above, said
):
    skipped = above.count("\n")
    files = {"customers.csv": f"{above}customer_id,segment,x\n1,a,b\n2,c,d\n"}
    message = refused(files)
    assert said in message
    assert f"If the header is in line {skipped + 1}, declare header_row: {skipped + 1}" in message
    source = customers(header_row=skipped + 1)
    assert take(files, source).tables["customers"].rows == 2
    files = {"customers.csv": f"{above}customer_id,segment,x\n1,a,b\n2,c\n"}
    assert f"customers.csv, line {skipped + 3}: 2 fields where" in refused(files, source)
    files = {"customers.csv": f"{above}customer_id,segment,x\n1,a,b\n,c,d\n"}
    assert f"customers.csv rows {skipped + 3}" in refused(files, source)
