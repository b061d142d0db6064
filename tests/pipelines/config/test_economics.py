"""Each customer's value in the company's currency, and the share of leavers that contacts save."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.causal.contact_value import SavedShare
from pipelines.config.economics import contacts_of, saved_share
from pipelines.runtime.escaping import plain_json

DAY = date(2024, 3, 1)
ECONOMICS = {
    "margin_per_year": 1_000,
    "years": 5,
    "contact_cost": 30,
    "offer_cost": 300,
    "offer_taken_by_stayers": 0.1,
    "discount_rate": 0,
    "saved_share": 0.3,
    "woken_share": 0.04,
}
CUSTOMERS = pd.DataFrame({"as_of": pd.Timestamp(DAY), "product_line": ["a", "b"], "asleep": False})
NOBODY = np.zeros(2)


@pytest.mark.parametrize(("currency", "margin"), [("NOK", 200_000), ("JPY", 2_000)])
def test_margins_come_in_minor_units(company, currency, margin):
    place = {"name": "Test", "timezone": "Europe/Oslo", "language": "nb", "currency": currency}
    settings = company(company=place, economics=ECONOMICS)
    customers = CUSTOMERS.assign(margin_per_year=pd.array([margin, None], dtype="Int64"))
    low, high = contacts_of(settings, customers, NOBODY, DAY)
    assert low.value == pytest.approx([10_000, 5_000])
    assert (low.multiple, high.multiple) == (4, 10)
    unknown, _ = contacts_of(settings, CUSTOMERS, NOBODY, DAY)
    assert unknown.value == pytest.approx([5_000, 5_000])


def test_the_team_calls_as_many_as_its_minutes_hold_calls_of_middle_length(company):
    settings = company(economics=ECONOMICS, list={"capacity_minutes": 1_200})
    # configs/actions.yaml: calls of 4, 4, 4, 6, 6, 10, 10, 15 and 15 minutes
    assert contacts_of(settings, CUSTOMERS, NOBODY, DAY)[0].calls == 200


def test_offers_that_were_answered_outweigh_what_is_assumed(company, tmp_path):
    settings = company(economics=ECONOMICS, paths={"data": "d", "var": str(tmp_path)})
    path = settings.paths.effect / "2024-02-01.json"
    path.parent.mkdir()

    def taken(day: date = DAY) -> float:
        return contacts_of(settings, CUSTOMERS, NOBODY, day)[0].economics.offer_taken_by_stayers

    for asked, share, used in ((0, 0.0, 0.1), (20, 0.4, 0.25), (1_980, 0.4, 0.397)):
        offers = {"asked": asked, "taken": share}
        path.write_bytes(plain_json({"schema_version": "2", "effects": [], "offers": offers}))
        assert taken() == pytest.approx(used)
    assert taken(date(2024, 1, 31)) == pytest.approx(0.1), "measured later"


def test_without_economics_nobody_has_a_value(company):
    assert contacts_of(company(), CUSTOMERS, NOBODY, DAY) is None
    assert saved_share(company(), DAY) is None


def test_the_saved_share_is_measured_once_everybody_is_compared(company, tmp_path):
    given = {"economics": ECONOMICS, "paths": {"data": "d", "var": str(tmp_path)}}
    settings = company(**given)
    path = settings.paths.effect / "2024-02-01.json"
    path.parent.mkdir()
    for text in (b"", b"[]", plain_json({"schema_version": "2", "lots": []})):
        path.write_bytes(text)
        assert saved_share(settings, DAY) == SavedShare(0.3)
    counts = {"treated": 4_000, "treated_reached": 0, "held_out": 1_000, "held_out_left": 100}
    effect = counts | {"channel_reach": 1.0, "difference": {"value": None}}
    effect |= {"source": "publications"}
    path.write_bytes(plain_json({"schema_version": "2", "lots": [effect]}))
    assert saved_share(settings, DAY) == SavedShare(0.3)
    effect |= {"difference": {"value": -0.02}}
    path.write_bytes(plain_json({"schema_version": "2", "lots": [effect]}))
    found = saved_share(settings, DAY)
    assert (found.measured, found.day) == (pytest.approx(0.2), date(2024, 2, 1))
    # where nobody is taken to sleep, the woken among the called hide some who were saved
    woken = saved_share(company(**given, list={"peace": {"asleep_days": None}}), DAY)
    assert woken.measured == pytest.approx(0.2 + 0.04 * 9)
    assert saved_share(settings, date(2024, 1, 31)) == SavedShare(0.3)
    # an outreach of which two count as a call did half of what a call does
    letters = effect | {"channel_reach": 0.5}
    path.write_bytes(plain_json({"schema_version": "2", "lots": [letters]}))
    assert saved_share(settings, DAY).measured == pytest.approx(0.4)
    assert saved_share(settings, DAY).error == pytest.approx(2 * found.error)
    # a trial before the lists woke sleepers, and its share differs by half of the assumed one
    path.write_bytes(
        plain_json({"schema_version": "2", "lots": [effect | {"source": "treatments"}]})
    )
    earlier = saved_share(settings, DAY)
    assert earlier.measured == pytest.approx(0.2 + 0.04 * 9)
    assert earlier.error > max(found.error, 0.15)
    # beside the lists' own it counts by its precision
    both = [effect, effect | {"source": "treatments"}]
    path.write_bytes(plain_json({"schema_version": "2", "lots": both}))
    pair = saved_share(settings, DAY)
    assert pair.error**-2 == pytest.approx(found.error**-2 + earlier.error**-2)
    assert found.measured < pair.measured < earlier.measured


def test_calls_that_reach_nobody_count_before_any_horizon_is_over(company, tmp_path):
    settings = company(economics=ECONOMICS, paths={"data": "d", "var": str(tmp_path)})
    path = settings.paths.effect / "2024-02-01.json"
    path.parent.mkdir()
    for reported, reached, reach in ((0, 0.0, 1.0), (20, 0.5, 0.75), (1_980, 0.5, 0.505)):
        calls = {"reported": reported, "reached": reached}
        path.write_bytes(plain_json({"schema_version": "2", "effects": [], "calls": calls}))
        share = saved_share(settings, DAY)
        assert (share.reach, share.used) == pytest.approx((reach, 0.3 * reach))
        used = contacts_of(settings, CUSTOMERS, NOBODY, DAY)[0].economics
        assert (used.saved_share, used.woken_share) == pytest.approx((0.3 * reach, 0.04 * reach))
