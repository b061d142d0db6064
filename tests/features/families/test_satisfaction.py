"""Satisfaction, checked by hand."""

from datetime import date
from typing import Any

import pytest
from companies import cells, company


def _answers(kind: str, *answers: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"kind": kind, "answered_at": f"{day} 10:00:00", "score": s} for day, s in answers]


def test_the_latest_answer_comes_with_its_age() -> None:
    rows = company(surveys=_answers("csat", ("2024-01-10", 2), ("2024-03-01", 3)))
    names = ("csat_last", "csat_age_days", "csat_last_score", "csat_last_on")
    assert cells(rows, "2024-03-31", *names) == (3, 30, 3, date(2024, 3, 1))
    assert cells(rows, "2024-03-01", *names) == (2, 51, 2, date(2024, 1, 10))
    assert cells(rows, "2024-01-10", *names) == (None, None, None, None)


def test_delight_protects_nobody() -> None:
    names = ("csat_last", "csat_top_box_last", "csat_last_score", "csat_shortfall_365d")
    good = company(surveys=_answers("csat", ("2024-03-01", 4)))
    best = company(surveys=_answers("csat", ("2024-03-01", 5)))
    assert cells(good, "2024-03-31", *names) == (4, 0, 4, 0)
    assert cells(best, "2024-03-31", *names) == (4, 1, 5, 0)


def test_no_answer_of_a_kind_is_unknown_whatever_other_kinds_say() -> None:
    rows = company(surveys=_answers("ces", ("2024-03-01", 6)))
    names = ("csat_last", "csat_top_box_last", "csat_shortfall_365d", "loyalty_last", "ces_last")
    assert cells(rows, "2024-03-31", *names) == (None, None, None, None, 6)


def test_a_shortfall_halves_in_sixty_days() -> None:
    """As of 30 April 22:00 UTC the answer of 1 March 22:00 is 60 days old."""
    survey = {"kind": "csat", "answered_at": "2024-03-01 22:00:00", "score": 1}
    second = survey | {"answered_at": "2024-04-30 21:59:59", "score": 3}
    assert cells(company(surveys=[survey]), "2024-05-01", "csat_shortfall_365d") == 1.5
    both = company(surveys=[survey, second])
    assert cells(both, "2024-05-01", "csat_shortfall_365d") == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("answers", "slope"),
    [
        ([("2024-01-01", 8), ("2024-03-14", 6)], -10),
        ([("2024-01-01", 8), ("2024-02-01", 9), ("2024-03-14", 6)], -10),
        ([("2024-01-01", 8), ("2024-01-31", 8)], 0),
        ([("2024-01-01", 8), ("2024-01-30", 6)], None),
        ([("2024-01-01", 8)], None),
        ([("2022-03-01", 10), ("2024-03-14", 6)], None),
    ],
)
def test_the_slope_of_loyalty_is_points_a_year(
    answers: list[tuple[str, float]], slope: float | None
) -> None:
    rows = company(surveys=_answers("loyalty", *answers))
    assert cells(rows, "2024-03-31", "loyalty_slope_730d") == slope


def test_the_later_of_two_answers_at_once_is_that_of_the_greater_key() -> None:
    surveys = _answers("loyalty", ("2024-03-01", 9), ("2024-03-01", 2))
    assert cells(company(surveys=surveys), "2024-03-31", "loyalty_last") == 2


_ASKED = {"kind": "survey", "sent_at": "2024-03-01 10:00:00"}
_SILENCE = ("survey_nonresponse_90d", "survey_response_share_365d")


@pytest.mark.parametrize(
    ("answered", "silence"),
    [
        ("2024-03-05 10:00:00", (0, 1)),
        ("2024-03-15 09:59:59", (0, 1)),
        ("2024-03-15 10:00:00", (1, 0)),
        ("2024-02-28 10:00:00", (1, 0)),
    ],
)
def test_silence_is_no_answer_within_fourteen_days(answered: str, silence: tuple[int, int]) -> None:
    survey = {"kind": "csat", "answered_at": answered, "score": 4}
    rows = company(notifications=[_ASKED], surveys=[survey])
    assert cells(rows, "2024-03-15", *_SILENCE) == (0, None)
    assert cells(rows, "2024-03-16", *_SILENCE) == silence
    assert cells(rows, "2024-03-16", "surveys_answered_365d") == 1


def test_only_a_survey_can_be_left_unanswered() -> None:
    rows = company(notifications=[_ASKED | {"kind": "price"}], surveys=[])
    assert cells(rows, "2024-04-01", *_SILENCE) == (0, None)
