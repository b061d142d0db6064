"""Economics of the configuration as the models take it, in major units of the currency.

Below training and the lists, as both need one and the same value of a contact.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from statistics import median

import pandas as pd
from babel.numbers import get_currency_precision
from pydantic import BaseModel

from models.causal.contact_value import SPREAD, SavedShare, contacts_with, measured_share, pooled
from models.dataset.array_types import Floats
from models.dataset.examples import MARGIN
from models.metrics.profit import Contacts, Economics
from pipelines.config.measurement import EFFECT_VERSION, newest
from pipelines.config.settings import Settings
from pipelines.config.text_files import ACTIONS, load_checked

_ASSUMED = 20
"""Reports that say as much as what is assumed: of answers to an offer, of calls and their reach."""


_COUNTED = ("treated", "held_out", "held_out_left", "channel_reach")


class _Timed(BaseModel):
    lane: str
    minutes: float
    offer: bool = False


class _TimedActions(BaseModel):
    actions: Mapping[str, _Timed]


def saved_share(settings: Settings, as_of: date) -> SavedShare | None:
    """γ as assumed, as measured by the newest effect at ``as_of`` in all its lots, and as used.

    None without economics. A list that protects sleepers wakes nobody. What the CRM reports of days
    before the lists called sleepers too, and with actions of its own: its γ is taken to differ
    from the lists' as assumed shares do (random effects, DerSimonian and Laird 1986). Everybody
    counts as reached until calls are reported.
    """
    if settings.economics is None:
        return None
    assumed = settings.economics.saved_share
    measured = newest(settings.paths.effect, as_of, EFFECT_VERSION)
    data = measured.data or {}
    calls = data.get("calls") or {"reported": 0, "reached": 0.0}
    reach = _weighed(1.0, calls["reported"], calls["reached"])
    found = []
    for effect in data.get("lots", ()):
        listed, difference = effect["source"] == "publications", effect["difference"]["value"]
        awake = listed and settings.list.peace.asleep_days is not None
        woken = 0.0 if awake else settings.economics.woken_share * reach
        counts = {name: effect[name] for name in _COUNTED}
        told = difference is not None and measured_share(difference, woken=woken, **counts)
        if told:
            other = 0.0 if listed else SPREAD * assumed * reach
            found.append((told[0], math.hypot(told[1], other)))
    return pooled(assumed, found, measured.day, reach)


def contacts_of(
    settings: Settings, customers: pd.DataFrame, p: Floats, as_of: date
) -> tuple[Contacts, Contacts] | None:
    """``contacts_with`` customers by the company's economics and the effect measured by ``as_of``.

    None without economics. ``customers`` has the contract's ``margin_per_year``, in minor units, or
    no such column.
    """
    share = saved_share(settings, as_of)
    if settings.economics is None or share is None:
        return None
    measured = newest(settings.paths.effect, as_of, EFFECT_VERSION).data or {}
    offers = measured.get("offers") or {"asked": 0, "taken": 0.0}
    assumed = settings.economics.offer_taken_by_stayers
    economics = replace(
        Economics(**dict(settings.economics)),
        saved_share=share.used,
        woken_share=settings.economics.woken_share * share.reach,
        offer_taken_by_stayers=_weighed(assumed, offers["asked"], offers["taken"]),
    )
    margin = customers.reindex(columns=[MARGIN])[MARGIN].astype("float64")
    major = margin / 10.0 ** get_currency_precision(settings.company.currency)
    rules = _actions().values()
    minutes = [rule.minutes for rule in rules if rule.lane == "call" and rule.minutes > 0]
    # Contacts for which the team has time, each as long as the middle one of the rule table.
    calls = settings.list.capacity_minutes / median(minutes or [1.0])
    days = settings.label.horizon_days
    return contacts_with(customers.assign(margin=major), p, economics, days, calls)


def actions_with_offer() -> list[str]:
    """Codes of the rule table's actions in which something is offered that costs money."""
    return [code for code, rule in _actions().items() if rule.offer]


def _actions() -> Mapping[str, _Timed]:
    return load_checked(ACTIONS, _TimedActions, "the table of actions").actions


def _weighed(assumed: float, reports: int, share: float) -> float:
    """What is assumed and what so many reports say, weighed by their number."""
    return (_ASSUMED * assumed + reports * share) / (_ASSUMED + reports)
