"""The page of ``stille check``: what it shows, what it never shows, and that it runs nothing."""

import re
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from trees import records

from features.errors import ContractError
from models.leaks.rows import Leak
from pipelines.config.run import Run
from pipelines.config.sections import Company
from pipelines.config.settings import Settings
from pipelines.config.sources import Source
from pipelines.runtime.run_record import Gate, RunRecord
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.profiling import ColumnProfile, OrderCount, TableProfile
from pipelines.snapshots.writing_tables import WrittenTables
from pipelines.training.leaks import LeakSearch
from pipelines.validation.page import PER_TABLE, CheckResult, render

CANARIES = ("+4791234567", "Kari Nordmann", "kari@example.no", "01017012345")


class Page(HTMLParser):
    """The text of a page, and the tags and attributes it is made of."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.words = set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(word for word in self.words if word)


@pytest.fixture
def check(stille, tmp_path):
    """Run ``stille check`` on files and sources; gives how it ended and the page."""

    def run(files, sources, *options, **sections):
        (tmp_path / "data").mkdir(exist_ok=True)
        for name, content in files.items():
            (tmp_path / "data" / name).write_text(content)
        document = {
            "company": {
                "name": "Nord & Sør <Kraft>",
                "timezone": "Europe/Oslo",
                "currency": "NOK",
                "language": "nb",
            },
            "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
            "sources": {name: {"known_delay_days": 0, **each} for name, each in sources.items()},
            "training": {"first_as_of": "2023-01-01"},
            **sections,
        }
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(document))
        day = () if "--as-of" in options else ("--as-of", "2026-04-01")
        ended = stille("check", "--config", tmp_path / "config.yaml", *day, *options)
        return ended, (tmp_path / "out" / "check.html").read_text("utf-8")

    return run


CUSTOMERS = "customer_id,joined_on,name,phone,email,fnr\n" + "".join(
    f"c{n},2020-01-{n % 28 + 1:02},{CANARIES[1]},{CANARIES[0]},{CANARIES[2]},{CANARIES[3]}\n"
    for n in range(50)
)
BILLS = "invoice_id,customer_id,issued_on,due_on,amount,corrects_invoice_id\n" + "".join(
    f"i{month}-{n},c{n},2026-0{month}-10,2026-0{month}-{'05' if (month, n) == (3, 7) else '24'},"
    f"{100 if month < 3 else 10_000},{'gone' if n == 3 else ''}\n"
    for month in (1, 2, 3)
    for n in range(50)
)
CALLS = "contact_id,customer_id,started_at,topic,transfers\n" + (
    "".join(f"k{n},c{n % 50},2026-03-{n % 28 + 1:02} 10:00:00,bill,{n % 4}\n" for n in range(60))
    + "twin,c0,2026-03-01 10:00:00,bill,0\nbad,c1,never,bill,0\nlost,nobody,2026-03-01 10:00:00,,\n"
)
FILES = {"c.csv": CUSTOMERS, "i.csv": BILLS, "k.csv": CALLS}
SOURCES = {
    "customers": {"path": "c.csv", "dropped": {"fnr": "no number is needed"}},
    "invoices": {"path": "i.csv"},
    "contacts": {"path": "k.csv", "timezone": "UTC"},
}


def rows(html, heading):
    """The rows of the table that follows a heading, as tuples of texts."""
    start = rf"<h2>{heading}</h2>\s*<div[^>]*><table>"
    table = re.search(f"{start}(.*?)</table>", html, re.DOTALL).group(1)
    lines = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)[1:]
    return [tuple(Page(c).text for c in re.findall(r"<td.*?</td>", line)) for line in lines]


def test_a_page_says_everything_that_there_is_to_look_at(check):
    ended, html = check(FILES, SOURCES, "--accept")
    assert ended.code == 0, ended.err
    assert "out/check.html" in ended.out.replace("\n", "")
    assert rows(html, "Tables") == [
        (
            *("customers", "50", "0", "0", "2020-01-01", "2020-01-28", "2255", ""),
            "segment, margin_per_year, age_band, language, team",
        ),
        (
            *("invoices", "150", "0", "0", "2026-01-10", "2026-03-10", "22"),
            "corrects_invoice_id 98%",
            "contract_id, n_lines, estimated, format, paper_fee",
        ),
        (
            *("contacts", "61", "2", "0", "2026-03-01", "2026-03-28", "4", ""),
            "channel, direction, linked_at, case_id, wait_seconds, abandoned, handled_by, "
            "human_requested, unavailable_channel, replied_at",
        ),
    ]
    assert rows(html, "What to look at") == [
        (
            *("invoices", "unit jump"),
            "amount: the newest month's median is about 100 times what it was",
            *("", "", ""),
        ),
        ("invoices", "orphan keys", "corrects_invoice_id not in invoices", "3", "2.0%", ""),
        ("contacts", "duplicates", "alike in everything but the key", "1", "1.6%", ""),
        ("contacts", "set aside", "customer_id: not in customers", "1", "1.6%", "5.0%"),
        ("contacts", "set aside", "started_at: unreadable", "1", "1.6%", "5.0%"),
        (
            *("invoices", "dates out of order"),
            *("due_on before issued_on, first in i.csv rows 109", "1", "0.7%", ""),
        ),
    ]
    assert rows(html, "Gates") == [
        (
            *("invoices.amount: newest month's median against those before", "100"),
            *("0.1429", "7", "stopped"),
        )
    ]
    page = Page(html)
    assert "1 gate stopped, and a person let the tables through" in page.text
    assert "amount 0.0% 100 10000 100.00" in page.text
    assert "issued_on 0.0% 2026-01-10 2026-03-10" in page.text
    assert "never read: name, phone, email" in page.text


def test_a_page_has_no_script_no_address_and_nobodys_words(check, tmp_path):
    _, html = check(FILES, SOURCES, "--accept")
    page = Page(html)
    assert page.tags.isdisjoint({"script", "iframe", "object", "img", "link", "form"})
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    led = {value for name, value in page.attributes if name in ("href", "src")}
    (rows_aside,) = (value for value in led if not value.startswith("#"))
    assert (tmp_path / "out" / rows_aside).read_text().count("not in customers") == 1
    assert "http:" not in html
    assert "https:" not in html
    assert [word for word in (*CANARIES, "c17", "k42") if word in html] == []
    for path in (tmp_path / "var" / "runs").iterdir():
        assert [word for word in CANARIES if word in path.read_text()] == []


def test_a_closed_gate_is_shown_with_its_figures(check, tmp_path):
    ended, html = check(FILES, SOURCES)
    assert ended.code == 6
    assert "stille check --accept" in Page(html).text
    assert rows(html, "Gates")[0][-1] == "stopped"
    assert rows(html, "Tables")[1][0] == "invoices"
    assert 'class="verdict bad"' in html
    (record,) = records(tmp_path / "var", "check")
    assert record["exit_code"] == 6


def test_broken_tables_leave_a_page_that_says_so(check):
    check(FILES, SOURCES, "--accept")
    ended, html = check({"c.csv": "customer_id\n1\n1\n"}, SOURCES)
    assert ended.code == 3
    text = Page(html).text
    assert "customers: repeated key (customer_id)" in text
    assert "keep the data contract" not in text


def test_every_refused_table_is_told_and_the_others_are_still_read(check, tmp_path):
    ended, html = check(
        {
            "c.csv": CUSTOMERS,
            "i.csv": BILLS.replace("2026-03-10", "10 Mar"),
            "k.csv": CALLS.replace("k1,", "k2,"),
            "p.csv": "payment_id,customer_id,paid_on,amount\np1,c1,2026-03-01,5\n",
        },
        SOURCES | {"payments": {"path": "p.csv"}, "cases": {"path": "none.csv"}},
    )
    assert ended.code == 3
    assert "3 tables are refused: cases, invoices, contacts" in ended.err
    for told in ("no file matches", "issued_on: unreadable: 50 rows", "contacts: repeated key"):
        assert told in ended.err
        assert told in Page(html).text
    assert [row[0] for row in rows(html, "Tables")] == [
        "customers",
        "invoices (refused)",
        "payments",
        "contacts (refused)",
    ]
    (record,) = records(tmp_path / "var", "check")
    assert record["quarantined"]["invoices"] == {"issued_on: unreadable": 50}


def test_without_customers_the_other_tables_are_still_checked(check):
    ended, html = check(FILES | {"c.csv": "name\n1\n"}, SOURCES, "--accept")
    assert ended.code == 3
    assert "nobody's id was looked up" in ended.err
    shown = {row[0]: row[1:3] for row in rows(html, "Tables")}
    assert shown == {"invoices": ("150", "0"), "contacts": ("62", "1")}


def test_refused_tables_come_before_the_stopped_gates_of_others(check):
    ended, _ = check(FILES | {"k.csv": CALLS.replace("k1,", "k2,")}, SOURCES)
    assert ended.code == 3
    assert ended.err.index("repeated key") < ended.err.index("not as they used to be")


def test_no_message_record_or_page_quotes_a_customer(check, tmp_path):
    phone, name, mail, national = CANARIES
    bills = BILLS + f"i-x,{national},{name},{mail},{phone},\n" * 9
    calls = CALLS + f"{mail},c1,{national},{name},{phone}\n" * 9
    customers = f"customer_id,joined_on\n{name},2020-01-01\n{name},{mail}\n{name},2020-01-02\n"
    files = {"c.csv": customers, "i.csv": bills, "k.csv": calls}
    kept = (tmp_path / "var").rglob
    for written in (files, files | {"c.csv": CUSTOMERS}):
        ended, html = check(written, SOURCES)
        assert ended.code == 3
        told = [ended.out, ended.err, html]
        told += [path.read_text() for path in kept("*") if path.suffix in (".json", ".log")]
        assert [word for word in CANARIES for text in told if word in text] == []
    assert "first in i.csv rows 152, 153, 154" in ended.err


def test_a_clean_company_has_nothing_to_look_at(check):
    ended, html = check({"c.csv": "customer_id\n1\n2\n"}, {"customers": {"path": "c.csv"}})
    assert ended.code == 0
    text = Page(html).text
    assert "Nothing was set aside, and of what was looked at nothing is wrong" in text
    assert "No two dates could be held against each other." in text
    assert "order of dates" not in text


def test_a_page_says_what_was_looked_at_and_what_was_believed(check):
    attributes = {
        "age": {"column": "age", "type": "number", "static": True},
        "size": {"column": "size", "type": "number", "static": True, "range": [0, 9]},
    }
    customers = "customer_id,joined_on,age,size\n1,2020-01-01,1203,3\n"
    calls = "contact_id,customer_id,started_at\nk,1,2024-01-01 10:00:00\n"
    _, html = check(
        {"c.csv": customers, "k.csv": calls},
        {"customers": {"path": "c.csv", "attributes": attributes}, "contacts": {"path": "k.csv"}},
    )
    text = Page(html).text
    assert "Orders of dates that were looked at: 1" in text
    assert "contacts: started_at before customers.joined_on" in text
    assert "no range is declared for them: age." in text


def test_a_past_date_tells_what_lies_after_it(check):
    """Later rows stay for later dates and are no fault; the day itself is not told."""
    calls = "contact_id,customer_id,started_at\n" + "".join(
        f"k{year},1,20{year}-04-03 10:00:00\n" for year in range(18, 26)
    )
    ended, html = check(
        {"c.csv": "customer_id\n1\n", "k.csv": calls},
        {"customers": {"path": "c.csv"}, "contacts": {"path": "k.csv"}},
        *("--as-of", "2023-04-03"),
    )
    assert ended.code == 0
    told = "Rows after 2023-04-03, which count for nothing on that date: contacts 2"
    assert told in ended.out
    assert rows(html, "Tables")[1][:4] == ("contacts", "8", "0", "2")
    assert "2 lie after 2023-04-03 and count for nothing on that date" in Page(html).text


def test_a_number_that_is_always_the_same_is_named(check):
    calls = "contact_id,customer_id,started_at,transfers,abandoned,wait_seconds\n" + "".join(
        f"k{n},1,2026-03-{n % 28 + 1:02} 10:00:00,0,false,{n}\n" for n in range(100)
    )
    columns = {"direction": {"value": "inbound"}, "human_requested": {"value": "false"}}
    files = {"c.csv": "customer_id\n1\n", "k.csv": calls}
    sources = {
        "customers": {"path": "c.csv"},
        "contacts": {"path": "k.csv", "timezone": "UTC", "columns": columns},
    }
    ended, html = check(files, sources)
    found = [row[2] for row in rows(html, "What to look at") if row[1] == "constant column"]
    assert [what.partition(":")[0] for what in found] == ["abandoned", "transfers"]
    assert "contacts.transfers: 0 in every row" in ended.out
    _, html = check(files | {"k.csv": calls[: calls.index("k99,")]}, sources)
    assert "constant column" not in html


def run_of(company, gates):
    """A run with ``gates`` of a company whose customers and contacts are mapped."""
    contacts = Source(path="k", max_quarantine_share=0.2)
    settings = Settings.model_construct(
        company=Company.model_construct(name=company, timezone="Europe/Oslo"),
        sources={"customers": Source(path="c"), "contacts": contacts},
    )
    record = RunRecord("check-1", "check", "2026-01-02T00:00:00Z", gates=gates)
    return Run(settings, date(2026, 1, 2), record)


def of_contacts(quarantined, gates=(), leaks=None):
    facts = TableFacts(
        rows=900,
        source_rows=1_000,
        quarantined=quarantined,
        columns=(),
        absent=(),
        unread=(),
        forbidden=(),
        first_event=None,
        last_event=datetime.fromisoformat("2026-01-01"),
        profile=TableProfile({}),
    )
    given = WrittenTables({"contacts": facts}, 1)
    return render(CheckResult(run_of("C", gates), given, Path("q"), leaks), Path())


def test_every_leak_finding_is_shown_with_its_key_and_what_became_of_it():
    many = [Leak("leavers_only", f"a{n}", {"auc": 0.9}, f"a{n} is closed") for n in range(7)]
    note = Leak("row_order", "row_order", {"auc": 0.5, "clumping": 0.2}, "in order", refuses=False)
    reasons = {"a1": "asked the owner"}
    html = of_contacts({}, leaks=LeakSearch((*many, note), reasons, "Looked.", Path()))
    shown = rows(html, "Leaks")
    assert shown[0] == ("a0", "0.90", "a0 is closed", "refused")
    assert shown[1][-1] == "let through: asked the owner"
    assert shown[7] == ("row_order", "0.60", "in order", "to know")


def test_rows_set_aside_are_the_verdict_and_the_worst_come_first():
    rules = {f"column_{n}: missing": n for n in range(1, PER_TABLE + 4)}
    html = of_contacts(rules)
    assert 'class="verdict look"' in html
    assert "171 of 1,000 rows (17.1%) were set aside" in Page(html).text
    shown = rows(html, "What to look at")
    assert [row[3] for row in shown] == [str(n) for n in range(PER_TABLE + 3, 3, -1)]
    assert shown[0][4:] == ("1.8%", "20.0%")
    assert "3 more of the same tables" in Page(html).text
    assert 'href="q/contacts.csv"' in html


def test_gates_without_a_band_are_left_out_and_stopped_ones_come_first():
    given = [
        Gate("figure", 1.0, None, None, passed=True),
        Gate("fine", 1.0, 0.0, 2.0, passed=True),
        Gate("stops", 3.0, 0.0, 2.0, passed=False),
    ]
    html = of_contacts({}, gates=given)
    assert [row[0] for row in rows(html, "Gates")] == ["stops"]
    assert html.index("stops") < html.index("fine")
    assert "figure</td>" not in html


def test_a_table_whose_age_nobody_watches_is_named():
    assert "No freshness gate: contacts." in Page(of_contacts({})).text
    gate = Gate("contacts: days since the newest event", 1.0, None, 5.0, passed=True)
    html = of_contacts({}, gates=[gate])
    assert "No freshness gate" not in html
    assert 'class="verdict good"' in html


HOSTILE = "<script>alert(1)</script> & \"x\" 'y' {{ 7*7 }}"


def hostile(text):
    column = ColumnProfile(nulls=0, low=text, high=text, jump=100.0)
    facts = TableFacts(
        rows=1,
        source_rows=2,
        quarantined={text: 1},
        columns=(text,),
        absent=(text,),
        unread=(text,),
        forbidden=(text,),
        first_event=datetime.fromisoformat("2026-01-01"),
        last_event=None,
        profile=TableProfile(
            {text: column}, orphans={text: 1}, orders={text: OrderCount(1, 1, text)}
        ),
    )
    gate = Gate(text, None, 1.0, None, passed=False)
    leak = Leak("adds_up", text, {"auc": 1.0}, text)
    return render(
        CheckResult(
            run_of(text, [gate]),
            WrittenTables({"contacts": facts}, 1, {text: ContractError(text)}),
            Path(f"q/{text}"),
            LeakSearch((leak,), {text: f"A person says: {text}"}, "Looked.", Path()),
            refusal=text,
        ),
        Path(),
    )


@given(st.text(max_size=30) | st.just(HOSTILE))
def test_whatever_a_file_calls_its_columns_is_shown_as_text(text):
    plain = Page(hostile("word"))
    page = Page(hostile(text))
    assert page.tags == plain.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in plain.attributes]


def test_hostile_names_are_shown_as_they_are():
    html = hostile(HOSTILE)
    assert "<script" not in html
    assert HOSTILE in Page(html).text
    assert "49" not in Page(html).text
