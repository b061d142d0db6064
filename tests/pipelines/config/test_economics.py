"""Each customer's value in the company's currency, at both ends of the range."""

import numpy as np
import pytest

from pipelines.config.economics import customer_values, economics_of
from pipelines.runtime.escaping import plain_json

ECONOMICS = {
    "margin_per_year": 1_000,
    "years": 5,
    "contact_cost": 30,
    "offer_cost": 300,
    "saved_share": 0.3,
}


@pytest.mark.parametrize(("currency", "margin"), [("NOK", 200_000), ("JPY", 2_000)])
def test_margins_come_in_minor_units(company, currency, margin):
    place = {"name": "Test", "timezone": "Europe/Oslo", "language": "nb", "currency": currency}
    settings = company(company=place, economics=ECONOMICS)
    low, high = customer_values(settings, np.array([margin, np.nan]))
    assert low.tolist() == [11_320, 6_320]
    assert high.tolist() == [13_300, 8_300]


def test_without_economics_nobody_has_a_value(company):
    assert economics_of(None) is None
    assert customer_values(company(), np.array([1.0])) is None


def test_json_has_null_for_what_is_no_number():
    given = {"slope": float("nan"), "rows": [1, float("inf"), None], "text": "å"}
    assert plain_json(given).decode() == (
        '{\n "slope": null,\n "rows": [\n  1,\n  null,\n  null\n ],\n "text": "å"\n}'
    )
