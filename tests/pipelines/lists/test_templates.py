"""Sentences say the customer's own dates and figures, in the list's language."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import build_catalog
from features.contract import TABLES
from features.errors import ConfigError
from pipelines.lists.templates import (
    DIRECTIONS,
    DRIVERS,
    FACTS,
    LONGEST,
    Direction,
    Placeholder,
    Templates,
    Variant,
    load_templates,
    nameable,
    parse,
    sentences,
)

FOLDER = Path(__file__).parents[3] / "configs" / "reasons"
LANGUAGES = ("en", "nb", "sv")
WORDINGS = {language: load_templates(FOLDER / f"{language}.yaml") for language in LANGUAGES}
CAUSAL = {
    "en": r"caus|therefore|due to|leads? to|led to|thus|hence|owing to|results? in|reason for",
    "nb": r"fordi|derfor|dermed|på grunn av|grunnet|skyldes|årsak|før(er|te) til",
    "sv": r"eftersom|därför|därmed|på grund av|beror på|orsak|led(er|de) till|medför",
}
BAD_STYLE = {
    "en": r"(?<!\w)-\d|\bdriver\b",
    "nb": r"(?<!\w)-\d|\brobot|om det samme|poeng for|, sist |\bdriver\b|i \d+ dager til",
    "sv": r"(?<!\w)-\d|\brobot|säga upp sig|säger upp sig|poäng för|\bdrivkraft|fick använda",
}
"""What no native professional writes: a hyphen for a minus, and words that were replaced."""
LONG_DAY = dt.date(2024, 9, 28)
SAMPLES: dict[str, object] = {
    "date": LONG_DAY,
    "money": 123456750,
    "price": 12349.5,
    "ratio": 0.987,
    "count": 123,
    "days": 1234,
    "hours": 4321.0,
    "seconds": 123456,
    "number": 12.4,
    "flag": 1,
    "text": "mobile",
}
EVERY = [
    pytest.param(
        language, driver, direction, number, id=f"{language}-{driver}-{direction}-{number}"
    )
    for language in LANGUAGES
    for (driver, direction), variants in WORDINGS[language].variants.items()
    for number in range(len(variants))
]


def say(
    driver: str, language: str = "nb", direction: Direction = "raises", **facts: object
) -> str | None:
    frame = pd.DataFrame({name: [value] for name, value in facts.items()}, index=[7])
    drivers = pd.Series([driver], index=[7], dtype="str")
    return sentences(drivers, frame, WORDINGS[language], "NOK", direction)[7]


def within(variant: Variant) -> dict[str, object]:
    """Facts of the longest reasonable figures that this variant may be said with."""
    facts = {fact: SAMPLES[FACTS[fact]] for fact in variant.facts}
    for fact, (low, high) in variant.when.items():
        facts[fact] = low if high is None else high
        if high is None and FACTS[fact] in ("money", "days", "count", "hours", "seconds"):
            facts[fact] = SAMPLES[FACTS[fact]]
    return facts


def test_every_driver_is_said_in_every_language_and_direction():
    for templates in WORDINGS.values():
        assert set(templates.variants) == {(d, way) for d in DRIVERS for way in DIRECTIONS}


@pytest.mark.parametrize(("language", "driver", "direction", "number"), EVERY)
def test_every_sentence_can_be_said(language: str, driver: str, direction: Direction, number: int):
    variant = WORDINGS[language].variants[driver, direction][number]
    alone = Templates(
        language, WORDINGS[language].style, {(driver, direction): (variant, Variant(("-",), {}))}
    )
    facts = pd.DataFrame([within(variant)], index=[0])
    said = sentences(pd.Series([driver], dtype="str"), facts, alone, "NOK", direction)[0]
    assert said != "-", "the example's facts must be within the bounds"
    assert 10 < len(said) <= LONGEST
    assert not said.endswith("…")
    assert not re.search(r"[{}\xa0\u202f]|\bnan\b|None|<NA>|  ", said)
    assert not re.search(CAUSAL[language], said, re.IGNORECASE)
    assert not re.search(BAD_STYLE[language], said)
    if driver != "profile":
        assert said[0] == said[0].upper()
        assert said.endswith(".")


def test_every_fact_is_declared_by_a_feature_in_the_same_unit():
    units = {feature.name: feature.unit for feature in build_catalog(TABLES).features}
    of_the_matrix = {"product_line", "profile_name", "profile_value"}
    said = {"s": "seconds", "share": "ratio", "category": "text", "points": "number"}
    for fact in set(FACTS) - of_the_matrix:
        assert said.get(units[fact], units[fact]) == FACTS[fact], fact


def test_all_languages_say_the_same_things():
    for key, norwegian in WORDINGS["nb"].variants.items():
        for language in LANGUAGES:
            other = WORDINGS[language].variants[key]
            assert [v.facts for v in norwegian] == [v.facts for v in other], (language, key)
            assert [v.when for v in norwegian] == [v.when for v in other], (language, key)


def test_every_sentence_says_a_fact_of_the_customers():
    for templates in WORDINGS.values():
        said = [variant for variants in templates.variants.values() for variant in variants]
        assert len(said) > 150
        assert all(variant.facts for variant in said)


def test_nothing_of_others_in_the_household_is_ever_said():
    for templates in WORDINGS.values():
        assert templates.variants["household", "raises"] == ()
        assert templates.variants["household", "lowers"] == ()
        facts = {f for variants in templates.variants.values() for v in variants for f in v.facts}
        assert not [fact for fact in facts if "household" in fact]


@pytest.mark.parametrize(
    ("days", "nb", "sv", "en"),
    [
        (731, "731 dager", "731 dagar", "731 days"),
        (732, "over 2 år", "över 2 år", "over 2 years"),
        (1096, "over 2 år", "över 2 år", "over 2 years"),
        (1098, "over 3 år", "över 3 år", "over 3 years"),
        (4021, "over 11 år", "över 11 år", "over 11 years"),
    ],
)
def test_days_are_years_from_two_years_on(days: int, nb: str, sv: str, en: str):
    for language, written in {"nb": nb, "sv": sv, "en": en}.items():
        facts = {"open_case_days": days, "open_case_opened_on": LONG_DAY}
        assert f" {written}." in str(say("unresolved_case", language, **facts))


def test_a_count_before_a_plural_is_two_or_more():
    counted = [
        (variant.when.get(piece.fact, (0, None))[0] or 0, language, key)
        for language, templates in WORDINGS.items()
        for key, variants in templates.variants.items()
        for variant in variants
        for piece in variant.parts
        if isinstance(piece, Placeholder) and piece.form == "count"
    ]
    assert len(counted) > 100
    assert min(counted)[0] >= 2, min(counted)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nb", "Fakturaen fra 3. mars 2024 var på 1 234,50 kr, 1,8 ganger så mye som vanlig."),
        (
            "sv",
            "Fakturan från den 3 mars 2024 var på 1 234,50 kr, 1,8 gånger så mycket som vanligt.",
        ),
        ("en", "The bill of 3 March 2024 was NOK 1,234.50, 1.8 times the usual."),
    ],
)
def test_dates_money_and_figures_are_written_as_the_language_does(language: str, said: str):
    facts = {
        "latest_bill_on": dt.date(2024, 3, 3),
        "latest_bill_amount": 123450,
        "bill_shock_latest": 1.8,
    }
    assert say("bill_shock", language, **facts) == said


@pytest.mark.parametrize(
    ("driver", "facts", "said"),
    [
        (
            "bill_shock",
            {
                "latest_bill_on": LONG_DAY,
                "latest_bill_amount": 189300,
                "latest_bill_above_usual": 41200,
                "bill_shock_latest": 1.28,
            },
            "Fakturan från den 28 september 2024 var på 1 893 kr, 412 kr mer än vanligt.",
        ),
        (
            "wait",
            {"wait_average_90d": 840, "wait_max_90d": 1500, "contacts_90d": 3},
            "Kunden väntade i snitt 14 minuter på svar de senaste 90 dagarna, som mest 25 minuter.",
        ),
        (
            "repeat_contact",
            {"repeats_30d_count_90d": 3, "latest_repeat_on": LONG_DAY},
            "Kunden hörde av sig igen om samma sak 3 gånger de senaste 90 dagarna, "
            "senast den 28 september 2024.",
        ),
        (
            "tenure",
            {"tenure_days": 4021, "customer_since": LONG_DAY},
            "Kund i över 11 år, sedan den 28 september 2024.",
        ),
        ("payment_method", {"autopay": 0}, "Kunden betalar inte med autogiro."),
    ],
)
def test_swedish_figures_in_words(driver: str, facts: dict[str, object], said: str):
    assert say(driver, "sv", **facts) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"reminders_90d": 1.0, "latest_reminder_on": pd.Timestamp("2024-03-03")},
            "Kunden fikk en purring 3. mars 2024.",
        ),
        (
            {
                "reminders_90d": 1.0,
                "reminders_365d": 3.0,
                "latest_reminder_on": pd.Timestamp("2024-03-03"),
                "reminder_fees_365d": 10500.0,
            },
            "3 purringer det siste året, senest 3. mars 2024, med 105 kr i gebyr.",
        ),
        (
            {"reminders_365d": 3.0, "overdue_invoices": 1},
            "Én faktura har forfalt og er ikke fullt betalt.",
        ),
        (
            {"days_late_max_90d": 1.0},
            "En betaling de siste 90 dagene kom 1 dag etter forfall.",
        ),
    ],
)
def test_the_first_sentence_whose_facts_are_known_is_said(facts: dict[str, object], said: str):
    assert say("dunning", **facts) == said


@pytest.mark.parametrize(
    ("driver", "direction", "facts", "said"),
    [
        (
            "wait",
            "raises",
            {"wait_max_90d": 750, "latest_long_wait_on": LONG_DAY},
            "ventet 13 minutter på svar 28. september 2024",
        ),
        ("wait", "raises", {"first_reply_hours_max_90d": 60.0}, "opptil 3 dager på skriftlig"),
        ("price_rise", "raises", {"price_rise_pct_365d": 0.12}, "til sammen på 12 %."),
        ("price_rise", "raises", {"price_rise_pct_365d": 0.035}, "til sammen på 3,5 %."),
        ("payment_method", "lowers", {"autopay": 1.0}, "betaler med AvtaleGiro."),
        (
            "newcomer_offer",
            "raises",
            {
                "newcomer_gap_pct": 0.1,
                "newcomer_own_price": Decimal("389.900000"),
                "newcomer_price": Decimal("349.000000"),
            },
            "betaler 389,90 kr i måneden. Nye kunder betaler 349 kr, 10 % mindre.",
        ),
        ("product", "raises", {"product_line": "broadband"}, "har bredbånd hos"),
        ("product", "raises", {"product_line": "fjernvarme"}, "har fjernvarme hos"),
        ("profile", "raises", {"profile_name": "A", "profile_value": "=1"}, "A: =1"),
    ],
)
def test_figures_in_words(driver: str, direction: Direction, facts: dict[str, object], said: str):
    text = say(driver, "nb", direction, **facts)
    assert text is not None
    assert said in text


def test_the_currency_decides_the_minor_units():
    facts = pd.DataFrame(
        {"latest_bill_on": [LONG_DAY], "latest_bill_amount": [1234], "bill_shock_latest": [0.5]}
    )
    drivers = pd.Series(["bill_shock"], dtype="str")
    for currency, amount in (("NOK", "12,34 kr"), ("JPY", "1 234 JPY"), ("EUR", "12,34 €")):
        said = sentences(drivers, facts, WORDINGS["nb"], currency, "lowers")[0]
        assert said == f"Fakturaen fra 28. september 2024 var på {amount}, lavere enn vanlig."


def test_no_driver_gives_no_sentence_and_rows_keep_their_own_facts():
    drivers = pd.Series(["tenure", None, "product", "tenure"], index=[3, 3, 1, 2], dtype="str")
    facts = pd.DataFrame(
        {
            "customer_since": pd.to_datetime(["2014-03-03", "2015-01-01", None, None]),
            "tenure_days": [3000.0, 2000.0, 1000.0, 1.0],
            "product_line": ["insurance"] * 4,
        },
        index=[3, 3, 1, 2],
    )
    said = sentences(drivers, facts, WORDINGS["nb"], "NOK", "raises")
    assert said.index.tolist() == [3, 3, 1, 2]
    assert said.fillna("").tolist() == [
        "Kunde i over 8 år, siden 3. mars 2014.",
        "",
        "Kunden har forsikring hos oss.",
        "",
    ]


def test_a_text_of_any_length_is_cut_at_140():
    said = say("profile", profile_name="Navn", profile_value="x" * 300)
    assert said is not None
    assert (len(said), said[-1]) == (140, "…")


def test_an_unknown_driver_is_an_error():
    with pytest.raises(KeyError, match="weather"):
        say("weather")


def test_a_template_has_no_reach_but_the_facts():
    assert parse("a {own_price:price}{product_line}") == (
        "a ",
        Placeholder("own_price", "price"),
        Placeholder("product_line", "text"),
    )
    for text in ("{0.__class__}", "{own_price!r}", "{own_price:>10}", "{", "}", "{{x}}"):
        with pytest.raises(ValueError, match="brace"):
            parse(text)


@settings(max_examples=100)
@given(st.text("{}:ab_.!0 ", max_size=30))
def test_parsing_loses_nothing(text: str):
    try:
        pieces = parse(text)
    except ValueError:
        return
    again = "".join(
        piece if isinstance(piece, str) else f"{{{piece.fact}:{piece.form}}}" for piece in pieces
    )
    assert parse(again) == pieces


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("{own_price:price}", "{their_price:price}", "unknown fact 'their_price'"),
        ("{own_price:price}", "{own_price:money}", "own_price is written as"),
        ("  satisfaction:", "  weather:", "weather: no such driver"),
        ("  satisfaction:", "  weather:", r"satisfaction\.raises: not there"),
        (
            '- "The customer has {product_line} with us."',
            '- "The product is associated with higher risk."',
            r"product\.raises sentence 2: says nothing of the customer",
        ),
        ("when: {products_n: [1, 1]}", "when: {binding_until: [1, 1]}", "has no bounds"),
        ("en_GB", "xx_YY", "not a file of sentences"),
        ("drivers:", "drivers: !!python/object:os.system", "not a file of sentences"),
        ("{own_price:price}", "{own_price.real}", "a brace that begins no"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, before: str, after: str, fault: str):
    text = (FOLDER / "en.yaml").read_text()
    assert before in text
    (tmp_path / "en.yaml").write_text(text.replace(before, after))
    with pytest.raises(ConfigError, match=fault):
        load_templates(tmp_path / "en.yaml")


def test_a_missing_language_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"fi\.yaml: cannot be read .No such file"):
        load_templates(tmp_path / "fi.yaml")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_driver_is_named_only_where_its_sentence_is_true_of_the_customer(language: str):
    facts = pd.DataFrame(
        {
            "price_rise_pct_365d": [-0.029, 0.0, np.nan, 0.04],
            "price_rises_365d": [0.0, 0.0, 1.0, 1.0],
            "wait_max_90d": [59.0, 60.0, np.nan, 400.0],
            "latest_long_wait_on": [LONG_DAY] * 4,
            "abandoned_90d": [0.0, 0.0, 0.0, 0.0],
        }
    )
    raises, lowers = nameable(WORDINGS[language], facts)
    assert raises["price_rise"].tolist() == [False, False, False, True]
    assert lowers["price_rise"].tolist() == [True, True, False, False]
    assert raises["wait"].tolist() == [False, False, False, True]
    assert not raises["complaint"].any()
    assert set(raises.columns) == set(lowers.columns) == set(DRIVERS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_texts_that_are_kept_as_codes_say_the_same(language, direction):
    """A null among them is a fact that is not known."""
    texts = [fact for fact, kind in FACTS.items() if kind == "text"]
    plain = pd.DataFrame({fact: ["mobile", None, "phone"] for fact in texts}, dtype="str")
    told = []
    for facts in (plain, plain.astype("category")):
        for driver in DRIVERS:
            drivers = pd.Series(driver, facts.index, dtype="str")
            told.append(sentences(drivers, facts, WORDINGS[language], "NOK", direction))
    half = len(DRIVERS)
    for said, coded in zip(told[:half], told[half:], strict=True):
        pd.testing.assert_series_equal(said, coded)
