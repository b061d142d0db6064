"""A story tells what was known at the as-of date, in words, of the customer alone."""

from datetime import date

import pytest
from customer_pages import AS_OF, snapshot

from features.contract import TABLES
from features.errors import ConfigError
from pipelines.explanation import story
from pipelines.explanation.story import load_words, story_of

LANGUAGES = ("en", "nb", "sv")


def story_lines(settings, folder, as_of=AS_OF, language="en", ids=("a",), **tables):
    words = load_words(settings, language)
    rows = story_of(settings, snapshot(folder, **tables), as_of, ids, words)
    return [(str(day.date()), text) for day, text in zip(rows["day"], rows["text"], strict=True)]


@pytest.fixture
def settings(company):
    return company()


def test_a_year_by_hand(settings, tmp_path):
    found = story_lines(
        settings,
        tmp_path,
        customers=[{"joined_on": "2015-02-03"}],
        invoices=[
            {"issued_on": "2024-05-02", "amount": 54900, "invoice_id": "i1"},
            {"issued_on": "2024-05-20", "amount": -900, "corrects_invoice_id": "i1"},
            {"issued_on": "2023-05-31", "amount": 100},
        ],
        price_changes=[
            {"notified_on": "2024-05-03", "effective_on": "2024-06-05", "old_price": 400}
            | {"new_price": 450},
            {"effective_on": "2024-02-01", "old_price": 450, "new_price": 400},
        ],
        contacts=[
            {"started_at": "2024-05-21 22:30", "channel": "phone", "direction": "inbound"}
            | {"topic": "billing", "wait_seconds": 600},
            {"started_at": "2024-05-06 08:00", "direction": "outbound"},
        ],
        reminders=[{"sent_on": "2024-04-02", "stage": 2}],
        surveys=[{"answered_at": "2024-04-03 10:00", "kind": "csat", "score": 2.0}],
    )
    assert found == [
        ("2024-05-22", "Made contact by phone about a bill, waited 10 minutes"),
        ("2024-05-20", "Bill corrected, amount −NOK 9"),
        ("2024-05-06", "We contacted the customer"),
        (
            "2024-05-03",
            "Told of a higher price from 5 June 2024: NOK 450 a month, NOK 400 before",
        ),
        ("2024-05-02", "Bill of NOK 549"),
        ("2024-04-03", "Answered 2 of 5 on being satisfied"),
        ("2024-04-02", "Reminder number 2"),
        ("2024-02-01", "New price: NOK 400 a month, NOK 450 before"),
        ("2015-02-03", "Became a customer"),
    ]


def test_what_is_known_later_is_not_told(settings, tmp_path):
    case = {"opened_at": "2024-05-02 08:00", "case_id": "S1", "closed_at": "2024-06-02 08:00"}
    tables = {
        "cases": [case | {"resolved": True}],
        "payments": [{"paid_on": "2024-05-03", "amount": 100, "failed_on": "2024-06-01"}],
        "complaints": [
            {"opened_at": "2024-05-05 08:00", "complaint_id": "1", "topic": "old"},
            {"opened_at": "2024-05-05 08:00", "complaint_id": "1", "topic": "new"}
            | {"known_at": "2024-05-09 00:00"},
            {"opened_at": "2024-05-06 08:00", "known_at": "2024-06-03 00:00"},
        ],
    }
    tables["payments"][0]["failed"] = True
    reading = {"due_on": "2024-05-01", "settled_on": "2024-06-02", "status": "missing"}
    tables["meter_readings"] = [reading]
    assert story_lines(settings, tmp_path, **tables) == [
        ("2024-05-05", "Complaint (new)"),
        ("2024-05-02", "Case S1 opened"),
    ]
    later = story_lines(settings, tmp_path, as_of=date(2024, 6, 4), **tables)
    assert later[:3] == [
        ("2024-06-02", "Case S1 resolved"),
        ("2024-06-01", "A debit of NOK 1 came back"),
        ("2024-05-06", "Complaint"),
    ]
    assert later[-1] == ("2024-05-01", "Meter reading is missing")


def test_absent_columns_and_tables_tell_nothing(settings, tmp_path):
    found = story_lines(
        settings,
        tmp_path,
        payments=[{"paid_on": "2024-05-03"}],
        self_service=[{"started_at": "2024-05-03 08:00", "completed": True}],
        treatments=[{"treated_at": "2024-05-03 08:00", "arm": "holdout", "contacted": None}],
    )
    assert found == []


def test_nobody_else_is_told_of(settings, tmp_path):
    tables = {
        "cases": [
            {"opened_at": "2024-05-02 08:00", "case_id": "S1"},
            {"opened_at": "2024-05-02 08:00", "case_id": "S2", "customer_id": "b"},
        ],
        "households": [{"household_id": "h", "valid_from": "2024-01-01"}],
        "household_notices": [{"notified_on": "2024-05-01", "outcome": "voluntary"}],
    }
    assert story_lines(settings, tmp_path, **tables) == [("2024-05-02", "Case S1 opened")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_words_for_each_event(settings, language):
    words, english = load_words(settings, language), load_words(settings, "en")
    assert words.texts.story.keys() == words.events.keys()
    for part in ("page", "rules", "rows"):
        assert getattr(words.texts, part).keys() == getattr(english.texts, part).keys()
    for name, values in english.texts.values.items():
        assert words.texts.values[name].keys() == values.keys()


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ("{table: households, at: valid_from, row: bill}", "no table of the customer's own"),
        ("{table: household_notices, at: notified_on, row: bill}", "customer's own"),
        ("{table: price_list, at: valid_from, row: bill}", "no table of the customer's own"),
        ("{table: invoices, at: sent_on, row: bill}", "no column 'sent_on'"),
        ("{table: invoices, at: issued_on, row: moon}", "no line 'moon'"),
        ("{table: cases, at: opened_at, row: bill}", "no 'amount' that is written as 'money'"),
    ],
)
def test_faults_are_listed(settings, tmp_path, monkeypatch, event, fault):
    (tmp_path / "story.yaml").write_text(f"bill: {event}\n")
    monkeypatch.setattr(story, "STORY", tmp_path / "story.yaml")
    with pytest.raises(ConfigError, match=f"bill: .*{fault}"):
        load_words(settings, "en")


def test_no_event_uses_a_value_that_its_moment_does_not_reveal(settings):
    for code, event in load_words(settings, "en").events.items():
        for name in event.when:
            revealed_by = TABLES[event.table].column(name).revealed_by
            assert revealed_by in (None, event.at, name) or name in ("failed", "status"), code
