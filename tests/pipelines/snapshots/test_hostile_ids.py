"""Ids that can stand in no list are set aside row by row, and told before anything is scored."""

import csv

import pytest

from features.errors import ContractError
from pipelines.runtime.escaping import page_template
from pipelines.snapshots.snapshot import take_snapshot

RULE = "customer_id: cannot stand in a list"
HOSTILE = (
    *("=1+1", "+46701234567", "@x", "-2", "'=1", "\t1", "＝1", "a\nb", "a\rb", "a\x1bb"),
    *("a\u202eb", "a\u2067b", "x" * 10_000),
)


def table(ids):
    quoted = ['"' + each + '"' for each in ids]
    return "customer_id\n" + "".join(f"{each}\n" for each in quoted)


def usual(count=400):
    return [f"C{number:07}" for number in range(count)]


@pytest.fixture
def into(tmp_path):
    return tmp_path / "snapshot"


@pytest.mark.fault(56)
def test_each_hostile_id_is_set_aside_with_its_row(company, into):
    ids = [*HOSTILE, *usual()]
    taken = take_snapshot(company({"customers.csv": table(ids)}), into)
    facts = taken.tables["customers"]
    assert dict(facts.quarantined) == {RULE: len(HOSTILE)}
    assert facts.rows == 400
    [path] = (taken.root / "quarantine").glob("customers*")
    with path.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [int(row["row"]) for row in told] == list(range(2, 2 + len(HOSTILE)))
    assert {row["rule"] for row in told} == {RULE}


def test_an_empty_id_is_missing(company, into):
    taken = take_snapshot(company({"customers.csv": table(["", *usual()])}), into)
    assert dict(taken.tables["customers"].quarantined) == {"customer_id: missing": 1}


def test_too_many_of_them_are_refused_with_their_rows(company, into):
    with pytest.raises(ContractError) as caught:
        take_snapshot(company({"customers.csv": table([*HOSTILE, *usual(20)])}), into)
    assert RULE in str(caught.value)
    assert "rows 2, 3, 4" in str(caught.value)


def test_pseudonyms_take_the_place_of_hostile_ids(company, into):
    named = {"name": "A", "timezone": "UTC", "currency": "NOK", "language": "nb"}
    settings = company(
        {"customers.csv": table(["=1+1", *usual()])}, company=named | {"pseudonyms": True}
    )
    taken = take_snapshot(settings, into)
    assert not taken.tables["customers"].quarantined


@pytest.mark.fault(58)
def test_no_text_turns_a_page_round(tmp_path):
    template = page_template("check.html").environment.from_string("<p>{{ a }} and {{ b }}</p>")
    shown = template.render(a="x\u202ey\u2066<i>", b="å ø")
    assert shown == "<p>xy&lt;i&gt; and å ø</p>"
