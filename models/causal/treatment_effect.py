"""Average treatment effect of contact, by intention to treat.

Everybody counts in the arm that randomisation gave, reached or not, as those who answer the
telephone are other people than those who do not. A customer counts once, with the first
assignment: later ones are no longer randomised alone.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.causal.risk_difference import Strata, power, required_customers, risk_difference
from models.dataset.array_types import Days, Floats, Mask, Texts
from models.metrics.bootstrap import Interval

Verdict = Literal["not_measurable_yet", "fewer_leave", "no_difference_seen", "more_leave"]

SMALLEST = 0.3
"""Share of the leavers kept that a comparison must be able to see, unless it is told another."""
TARGET_POWER = 0.8
CONFIDENCE = 0.95
GROUPS = ("lane", "action", "product_line")
NONE_GIVEN = "none given"


@dataclass(frozen=True, slots=True)
class RandomisedAssignments:
    """First assignments whose horizon is complete, sorted by customer; all (n,).

    ``treat`` is who was drawn for treatment (else held out), ``left`` who gave voluntary notice
    from the assignment to the end of its horizon, ``reached`` whom the CRM says was contacted.
    ``risk_band``, ``probability`` (NaN where it is not known) and the groups are those of the
    publication that assigned.
    """

    customer_id: Texts
    assigned_on: Days
    treat: Mask
    left: Mask
    reached: Mask
    risk_band: Texts
    lane: Texts
    action: Texts
    product_line: Texts
    probability: Floats

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def stratum(self) -> Texts:
        """Month of the assignment and risk band: within one, only the lot separates the arms."""
        days, place = np.unique(self.assigned_on, return_inverse=True)
        months = days.astype("datetime64[M]").astype(str).astype(object)[place]
        return np.asarray(months + " " + self.risk_band, dtype=object)

    @staticmethod
    def build(frame: pd.DataFrame) -> "RandomisedAssignments":
        """From columns customer_id, assigned_on, arm, left, reached, risk_band, lane, action,
        product_line and probability, a row per assignment; null texts are a group of their own.
        """
        ordered = frame.sort_values(["customer_id", "assigned_on"], kind="stable")
        first = ordered.drop_duplicates("customer_id")

        def texts(name: str) -> Texts:
            filled = first[name].astype("object").where(first[name].notna(), NONE_GIVEN)
            return np.asarray(filled.to_numpy(dtype=object))

        return RandomisedAssignments(
            customer_id=texts("customer_id"),
            assigned_on=first["assigned_on"].to_numpy().astype("datetime64[D]"),
            treat=first["arm"].eq("treat").to_numpy(dtype=bool),
            left=first["left"].to_numpy(dtype=bool),
            reached=first["reached"].to_numpy(dtype=bool),
            risk_band=texts("risk_band"),
            lane=texts("lane"),
            action=texts("action"),
            product_line=texts("product_line"),
            probability=first["probability"].to_numpy(dtype="float64", na_value=np.nan),
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """One group's comparison.

    ``difference`` is the share of the treated that left minus that of the held out, stratified,
    with an interval that holds for all groups of its kind together. ``power`` is the chance that
    the present numbers would show the smallest effect asked for, ``needed`` how many customers
    in both arms would show it four times in five (None when that cannot be told yet).
    """

    kind: str
    group: str
    treated: int
    treated_left: int
    treated_reached: int
    held_out: int
    held_out_left: int
    held_out_reached: int
    difference: Interval
    power: float
    needed: int | None
    verdict: Verdict


def measure_effects(
    assigned: RandomisedAssignments, smallest: float = SMALLEST
) -> tuple[Effect, ...]:
    """Everybody, then by lane, by action and by product line, names in order.

    ``smallest`` is the share of leavers retained that must be seen to speak of a result at all.
    Where a kind has several groups, their intervals are as wide as Bonferroni asks.
    """
    everybody = np.full(len(assigned), "all", dtype=object)
    effects = []
    for kind in ("all", *GROUPS):
        groups: Texts = everybody if kind == "all" else getattr(assigned, kind)
        names = ["all"] if kind == "all" else sorted(set(groups.tolist()))
        for name in names:
            confidence = 1 - (1 - CONFIDENCE) / len(names)
            effects.append(_effect(assigned, kind, name, groups == name, smallest, confidence))
    return tuple(effects)


def harmful(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The groups in which more of the treated leave: stop contacting them, and look."""
    return tuple(effect for effect in effects if effect.verdict == "more_leave")


def _effect(
    assigned: RandomisedAssignments,
    kind: str,
    name: str,
    rows: Mask,
    smallest: float,
    confidence: float,
) -> Effect:
    treat, left, reached = assigned.treat[rows], assigned.left[rows], assigned.reached[rows]
    strata = Strata.count(treat, left, assigned.stratum[rows])
    difference = risk_difference(strata, confidence)
    treated, held_out = int(treat.sum()), int((~treat).sum())
    base = float(left.mean()) if len(left) else 0.0
    achieved_power = power(base, -smallest, treated, held_out, confidence)
    share = held_out / max(treated + held_out, 1)
    return Effect(
        kind=kind,
        group=name,
        treated=treated,
        treated_left=int((treat & left).sum()),
        treated_reached=int((treat & reached).sum()),
        held_out=held_out,
        held_out_left=int((~treat & left).sum()),
        held_out_reached=int((~treat & reached).sum()),
        difference=difference,
        power=achieved_power,
        needed=required_customers(base, -smallest, share, TARGET_POWER, confidence),
        verdict=_verdict(difference, enough=achieved_power >= TARGET_POWER and strata.compared),
    )


def _verdict(difference: Interval, *, enough: bool) -> Verdict:
    if not enough:
        return "not_measurable_yet"
    if difference.high < 0:
        return "fewer_leave"
    return "more_leave" if difference.low > 0 else "no_difference_seen"
