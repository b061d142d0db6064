"""Every sentence of a small company's list is borne out by its source rows."""

from collections import defaultdict
from datetime import date

import pandas as pd
import pytest

from benchmarks.sentences.check import check, figures, lists, mutants
from benchmarks.sentences.claims import CLAIMS, holds
from benchmarks.sentences.person import Clock, Person, keep, load
from pipelines.config.settings import load_settings
from pipelines.config.text_files import text_file
from pipelines.lists.templates import Placeholder, load_templates

AS_OF = date(2024, 6, 1)
CLOCK = Clock(AS_OF, "Europe/Oslo")
EXAMPLES = {
    "date": "1 June 2024",
    "money": "NOK 1,200.50",
    "price": "NOK 349",
    "percent": "12%",
    "count": "3",
    "days": "4 days",
    "hours": "5 hours",
    "minutes": "6 minutes",
    "number": "1.5",
    "text": "phone",
}


def test_every_sentence_of_the_small_company_is_true(demo, published):
    settings = load_settings(demo.config)
    clock = Clock(demo.as_of, settings.company.timezone)
    rows = load(sorted((demo.data / "tables").glob("*.parquet")), clock)
    night = lists(published.publication.folder)
    checked = check(night, rows, clock)
    assert checked.false == ()
    assert checked.unreadable == ()
    assert checked.mistranslated == ()
    assert checked.sentences > 2_000
    assert checked.translated == 2 * checked.sentences
    made, missed = mutants(night, rows, clock)
    assert made > 2_000
    assert missed <= made / 500
    print(f"0 false of {checked.sentences} sentences, {made - missed} of {made} mutants noticed")


def test_every_sentence_that_can_be_said_can_be_read():
    templates = load_templates(text_file("reasons", "en"))
    for (driver, _), variants in templates.variants.items():
        for variant in variants if driver != "profile" else ():
            text = "".join(
                EXAMPLES[piece.form] if isinstance(piece, Placeholder) else piece
                for piece in variant.parts
            )
            try:
                assert holds(person(), text) is not None, text
            except (ValueError, ZeroDivisionError, IndexError, KeyError):
                # Nobody's rows are there to be read.
                continue
    assert len(CLAIMS) > 100


def person(**tables) -> Person:
    found = defaultdict(lambda: defaultdict(list))
    for table, rows in tables.items():
        keep(found, table, [{"customer_id": "a"} | row for row in rows], CLOCK)
    return Person(CLOCK, found["a"])


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("The customer complained on 3 May 2024.", True),
        ("The customer complained on 4 May 2024.", False),
        ("The complaint of 3 May 2024 is still open after 29 days.", True),
        ("The complaint of 3 May 2024 is still open after 28 days.", False),
        ("The customer has not complained in the last year.", False),
        ("The customer was rude.", None),
    ],
)
def test_a_claim_is_held_against_the_rows(text, true):
    customer = person(
        complaints=[
            {"complaint_id": "1", "opened_at": pd.Timestamp("2024-05-03 09:00"), "closed_at": None},
            {"complaint_id": "2", "opened_at": pd.Timestamp("2024-06-03 09:00"), "closed_at": None},
        ]
    )
    assert holds(customer, text) is true


@pytest.mark.parametrize(
    ("text", "true"),
    [
        (
            "An order was late in the last year without word from us in the week up to "
            "the promised day.",
            True,
        ),
        ("In the last year a case was open for a week without word from us.", True),
        ("In the last year 2 cases were open for a week without word from us.", False),
        (
            "No late order, slow case or high bill in the last year was left without word from us.",
            False,
        ),
    ],
)
def test_word_from_us_is_about_the_order_or_the_case_and_in_time(text, true):
    at = pd.Timestamp
    customer = person(
        orders=[
            {"order_id": name, "ordered_on": date(2024, 4, 1), "promised_on": date(2024, 4, 20)}
            | {"delivered_on": date(2024, 4, 25)}
            for name in ("told", "told too early")
        ],
        cases=[
            {"case_id": "quiet", "opened_at": at("2024-05-01 09:00"), "closed_at": None},
            {"case_id": "young", "opened_at": at("2024-05-30 09:00"), "closed_at": None},
        ],
        notifications=[
            {"notification_id": number, "sent_at": at(sent), "kind": kind, table: about}
            for number, sent, kind, table, about in (
                ("1", "2024-04-20 09:00", "delivery", "order_id", "told"),
                ("2", "2024-04-10 09:00", "delivery", "order_id", "told too early"),
                ("3", "2024-05-03 09:00", "marketing", "case_id", "quiet"),
            )
        ],
    )
    assert holds(customer, text) is true


def test_languages_are_compared_by_their_figures():
    english = figures("The bill of 3 March 2024 was NOK 1,234.50, 1.8 times the usual.")
    assert figures("Fakturaen fra 3. mars 2024 var på 1 234,50 kr, 1,8 ganger") == english
    assert figures("Fakturan från den 3 mars 2024 var på 1 234,50 kr, 1,8 gånger") == english
    assert figures("Fakturaen fra 4. mars 2024 var på 1 234,50 kr, 1,8 ganger") != english
