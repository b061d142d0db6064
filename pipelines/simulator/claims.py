"""Insurance claims: the moment a silent product is used, and how it is settled."""

from dataclasses import dataclass

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Bools, Ints
from pipelines.simulator.world import Month, World, add_events, irritate

_INSURANCE = PRODUCT_LINES.index("insurance")
_CHANCE = 0.018
_ORE, _SPREAD, _DEDUCTIBLE = 900_000, 1.0, 400_000
_REFUSED, _REFUSED_WITH_TROUBLE, _CUT = 0.04, 0.35, 0.2
_DAYS, _DAYS_WITH_TROUBLE, _LONGEST_DAYS = 12, 60, 150
_SLOW_DAYS, _SLOW_WEIGHT, _CUT_WEIGHT = 30, 0.5, 0.5


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims of a month: row of the world, days, øre; ``cut``: less than the terms say."""

    rows: Ints
    day: Ints
    settled: Ints
    claimed: Ints
    paid: Ints
    refused: Bools
    cut: Bools


def make_claims(world: World, month: Month) -> None:
    """Let some of the insured claim; settled fast and in full comforts, anything else irritates.

    Nothing is drawn for a company that insures nobody.
    """
    insured = np.nonzero((world.line == _INSURANCE).any(axis=1))[0]
    if not len(insured):
        return
    claims = _draw(world, month, insured)
    _write(world, month, claims)
    taken = claims.settled - claims.day
    slow, short = taken > _SLOW_DAYS, claims.refused | claims.cut
    late = claims.day + _SLOW_DAYS + 1
    irritate(world, month, "claims", claims.rows[slow], late[slow], by=_SLOW_WEIGHT)
    weight = np.where(claims.refused, 1.0, _CUT_WEIGHT)[short]
    irritate(world, month, "claims", claims.rows[short], claims.settled[short], by=weight)
    kept = ~slow & ~short
    irritate(world, month, "claims_honoured", claims.rows[kept], claims.settled[kept])


def _draw(world: World, month: Month, insured: Ints) -> Claims:
    rng = month.rng("claims")
    rows = insured[rng.random(len(insured)) < _CHANCE]
    count, trouble = len(rows), world.trouble[rows]
    day = month.clock.random_days(rng, month.number, count)
    typical = np.log(_DAYS + _DAYS_WITH_TROUBLE * trouble)
    taken = np.clip(rng.lognormal(typical, 0.6), 1, _LONGEST_DAYS).astype(np.int64)
    above = np.rint(rng.lognormal(np.log(_ORE), _SPREAD, count)).astype(np.int64)
    refused = rng.random(count) < _REFUSED + _REFUSED_WITH_TROUBLE * trouble
    cut = ~refused & (rng.random(count) < _CUT)
    part = np.where(refused, 0.0, np.where(cut, rng.uniform(0.3, 0.9, count), 1.0))
    paid = np.rint(above * part).astype(np.int64)
    return Claims(rows, day, day + taken, _DEDUCTIBLE + above, paid, refused, cut)


def _write(world: World, month: Month, claims: Claims) -> None:
    columns = {
        "claimed_on": claims.day,
        "claimed": claims.claimed,
        "settled_on": claims.settled,
        "paid": claims.paid,
    }
    add_events(month.sink, "claims", world.number[claims.rows], columns)
