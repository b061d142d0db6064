"""Average treatment effect of contact, by intention to treat.

Everybody counts in the arm that randomisation gave, reached or not, as those who answer the
telephone are other people than those who do not. A household counts once, with its first
assignment: later ones are no longer randomised alone, and a call to one member moves the others.

The intervals hold for all looks together (``models.metrics.sequential``). They are tight at the
smallest effect that matters: of the leavers reached the share γ is kept, of the stayers ω leaves.
"""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from models.causal import risk_difference as stratified
from models.metrics.bootstrap import Interval
from models.metrics.sequential import sequential_z

Verdict = Literal["not_measurable_yet", "fewer_leave", "no_difference", "more_leave"]

SAVED_SHARE = 0.3
"""γ without economics."""
TARGET_POWER = 0.8
ALPHA = 0.05
GROUPS = ("lane", "action", "product_line")
NONE_GIVEN = "none given"


def randomised_assignments(frame: pd.DataFrame) -> pd.DataFrame:
    """First assignments whose horizon is complete, one a household, sorted by customer.

    ``frame`` has a row per assignment: customer_id, household_id (who has none is one alone),
    assigned_on, arm, left, reached, risk_band, lane, action and product_line, the last four as
    published. Of those that count, other null texts are a group of their own, and the columns are
    bool: ``treat``, who was drawn for treatment (else held out); ``left``, who gave voluntary
    notice from the assignment to the end of its horizon; ``reached``, whom the CRM says was
    contacted. ``stratum`` is the month of the assignment and the risk band: within one, only the
    lot separates the arms.
    """
    first = first_assignments(frame).sort_values("customer_id", ignore_index=True)
    texts = first[["customer_id", "risk_band", *GROUPS]].astype("object").fillna(NONE_GIVEN)
    days = first["assigned_on"].to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    month = pd.Series(days).dt.strftime("%Y-%m")
    flags = first[["left", "reached"]].astype(bool).assign(treat=first["arm"].eq("treat"))
    stratum = month.astype("object") + " " + texts["risk_band"]
    return texts.join(flags.astype(bool)).assign(assigned_on=days, stratum=stratum)


def first_assignments(frame: pd.DataFrame) -> pd.DataFrame:
    """The first row of each household, or customer without one, by ``assigned_on``.

    Columns customer_id, household_id (null for none) and assigned_on; of members assigned on one
    day the first by id.
    """
    ordered = frame.sort_values(["assigned_on", "customer_id"], kind="stable")
    unit = ordered["household_id"].fillna(ordered["customer_id"])
    return ordered[~unit.duplicated().to_numpy(dtype=bool)]


@dataclass(frozen=True, slots=True)
class Effect:
    """One group's comparison.

    ``difference`` is the share of the treated that left minus that of the held out, stratified,
    with an interval that holds for all looks and all groups of its kind together; ``complier`` is
    that of those reached. ``smallest_itt`` is the smallest difference that matters (None while it
    cannot be told), ``power`` the chance that some look by now would have shown it, ``needed`` how
    many customers in both arms show it four times in five (None when that cannot be told yet).
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
    smallest_itt: float | None
    complier: Interval
    power: float
    needed: int | None
    verdict: Verdict


def measure_effects(
    assigned: pd.DataFrame, saved_share: float = SAVED_SHARE, woken_share: float = 0.0
) -> tuple[Effect, ...]:
    """Everybody of ``randomised_assignments``, then by lane, action and product line, in order.

    ``saved_share`` (γ) and ``woken_share`` (ω) are what the economics assume of those reached.
    Where a kind has several groups, their intervals are as wide as Bonferroni asks.
    """
    effects = []
    for kind in ("all", *GROUPS):
        parts = [("all", assigned)] if kind == "all" else [*assigned.groupby(kind)]
        alpha = ALPHA / max(len(parts), 1)
        effects += [
            _effect(rows, kind, str(n), saved_share, woken_share, alpha) for n, rows in parts
        ]
    return tuple(effects)


def _effect(
    rows: pd.DataFrame, kind: str, name: str, saved: float, woken: float, alpha: float
) -> Effect:
    treat, left, reached = rows[["treat", "left", "reached"]].to_numpy(dtype=bool).T
    counts = {
        f"{arm}{what}": int(each.sum())
        for arm, drawn in (("treated", treat), ("held_out", ~treat))
        for what, each in (("", drawn), ("_left", drawn & left), ("_reached", drawn & reached))
    }
    treated, held_out = counts["treated"], counts["held_out"]
    base = counts["held_out_left"] / max(held_out, 1)
    # The stayers who are woken count against the leavers kept. A margin of nothing, where as many
    # are woken as kept, could never be decided.
    net = max(saved - woken * (1 - base) / base, saved / 2) if base > 0 else 0.0
    # By how much more of the treated were reached; 1 where the CRM reports nobody reached.
    shares = [counts[f"{arm}_reached"] / max(counts[arm], 1) for arm in ("treated", "held_out")]
    change = (max(shares[0] - shares[1], 0.0) if any(shares) else 1.0) * net
    outcomes, stratum = (left, reached, left & reached), rows["stratum"].to_numpy(dtype=object)
    strata, reach, both = (stratified.Strata.count(treat, each, stratum) for each in outcomes)
    z = sequential_z(strata.variance, change * base, alpha)
    difference = stratified.risk_difference(strata, z)
    share = held_out / max(treated + held_out, 1)
    return Effect(
        kind=kind,
        group=name,
        **counts,
        difference=difference,
        smallest_itt=change * base or None,
        complier=stratified.complier_effect(strata, reach, both, z),
        power=stratified.power(base, -change, treated, held_out, alpha),
        needed=stratified.required_customers(base, -change, share, TARGET_POWER, alpha),
        verdict=_verdict(difference, change * base),
    )


def _verdict(difference: Interval, smallest: float) -> Verdict:
    """No difference is said only where the whole interval lies within the smallest either way.

    Few leavers need no rule of their own: the interval for all looks is then too wide.
    """
    if difference.high < 0:
        return "fewer_leave"
    if difference.low > 0:
        return "more_leave"
    within = -smallest < difference.low and difference.high < smallest
    return "no_difference" if within else "not_measurable_yet"
