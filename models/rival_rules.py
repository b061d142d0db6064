"""The rules that hold a challenger against the champion."""

import math
from collections.abc import Iterable

from models.bootstrap import Interval
from models.rivalry import Rival
from models.rule import Rule, rule

_OVERLAP = 0.7


def against(rival: Rival | None) -> Iterable[Rule]:
    """Not worse than the champion, and not another list without a gain."""
    if rival is None:
        yield Rule("against_champion", None, None, None, True, "There is no champion yet.")
        return
    on = f"on the same {rival.rows:,} later rows"
    if not rival.rows:
        on = f"(they cannot be compared: {rival.why})"
    yield _not_worse("log_loss_gain", "Log loss", rival.gain, 5, on)
    if rival.profit is not None:
        yield _not_worse("profit_gain", "Profit", rival.profit, 2, on)
    yield _stable(rival, on)


def _not_worse(name: str, title: str, gain: Interval, digits: int, on: str) -> Rule:
    said = (
        f"{title} is better than the champion's by {gain:.{digits}f} {on}; the interval must "
        "not lie below 0."
    )
    return rule(name, gain.high, 0.0, None, gain.high >= 0, said)


def _stable(rival: Rival, on: str) -> Rule:
    better = any(gain is not None and gain.low > 0 for gain in (rival.gain, rival.profit))
    said = (
        f"The riskiest tenth shares {rival.overlap:.2f} with the champion's (Jaccard) {on}; it "
        f"must be {_OVERLAP} or more unless the model is better beyond doubt."
    )
    passed = rival.overlap >= _OVERLAP or (better and math.isfinite(rival.overlap))
    return rule("stable_top", rival.overlap, _OVERLAP, None, passed, said)
