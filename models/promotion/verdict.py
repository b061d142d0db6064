"""Promotion verdict: all rules must pass, of the model itself and against earlier champions.

Else each would be promoted a little worse than the one before (bio-creep, D'Agostino, Massaro &
Sullivan 2003). So it must be proved not worse by more than a margin, also than the year's best.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from models.promotion.evidence import MARGIN, ChallengerEvidence, ChampionComparison
from models.promotion.rules import Rule, level, rule, rules_of_the_model, slope

_ERROR = 0.05
_OVERLAP = 0.7


def error_of(looks: int) -> float:
    """Two-sided error of the comparison when ``looks`` challengers were compared in a year.

    Each gets its part (Bonferroni): a year of weekly challengers together errs as one does.

    >>> error_of(1), error_of(50)
    (0.05, 0.001)
    """
    return _ERROR / max(looks, 1)


def against_champions(evidence: ChallengerEvidence) -> Iterator[Rule]:
    """Not worse than the champion and the year's best one, and not another list without a gain.

    A champion whose own level or slope fails on these rows need not be matched for certain: the
    gain itself must not be below minus the margin.
    """
    rival, anchor = evidence.rival, evidence.anchor
    if rival is None:
        yield Rule("against_champion", None, None, None, True, "There is no champion yet.")
        return
    broken = bool(rival.card) and not all(each(rival.card).passed for each in (level, slope))
    yield _not_inferior("log_loss_gain", rival, evidence.looks, broken)
    if anchor is not None:
        yield _not_inferior("anchor_gain", anchor, evidence.looks, broken)
    if rival.profit is not None:
        sentence = (
            f"Profit is better than the champion's by {rival.profit:.2f} {_on(rival)}; the "
            "interval must not lie below 0."
        )
        yield rule("profit_gain", rival.profit.high, 0.0, None, rival.profit.high >= 0, sentence)
    yield _stable(rival)


def _not_inferior(name: str, other: ChampionComparison, looks: int, broken: bool) -> Rule:
    gain, margin = other.gain, MARGIN * max(other.worth, 0.0)
    half, measure = gain.value - gain.low, gain.value if broken else gain.low
    tells = broken or gain.low > 0 or half <= margin
    who = f"the champion's ({other.label})" if name == "log_loss_gain" else f"{other.label}'s"
    sentence = (
        f"Log loss is better than {who} by {gain:.5f} {_on(other)}, at "
        f"{1 - error_of(looks):.2%} confidence as challenger {looks} of the year; "
    )
    if name == "anchor_gain":
        sentence = f"The year's best champion is {other.label}. {sentence}"
    alone = "its level or slope fails there, so the gain alone" if broken else "the low end"
    sentence += f"{alone} must be {-margin:.5f} or more."
    if not tells and math.isfinite(half):
        sentence += f" The rows are too few to tell: {_more(other.leavers, half, margin)}."
    return rule(name, measure, -margin, None, tells and measure >= -margin, sentence)


def _more(leavers: int, half: float, margin: float) -> str:
    """How many leavers an interval as narrow as the margin takes; its width falls as 1/√n."""
    if margin == 0:
        return "the champion gains nothing over the base rate, so only a better model can pass"
    needed = math.ceil(leavers * ((half / margin) ** 2 - 1))
    return (
        f"{leavers:,} left, and about {needed:,} more are needed. Set training.test_months higher, "
        "or train less often"
    )


def _stable(rival: ChampionComparison) -> Rule:
    better = any(gain is not None and gain.low > 0 for gain in (rival.gain, rival.profit))
    sentence = (
        f"The riskiest tenth shares {rival.overlap:.2f} with the champion's (Jaccard) "
        f"{_on(rival)}; it must be {_OVERLAP} or more unless the model is better beyond doubt."
    )
    passed = rival.overlap >= _OVERLAP or (better and math.isfinite(rival.overlap))
    return rule("stable_top", rival.overlap, _OVERLAP, None, passed, sentence)


def _on(other: ChampionComparison) -> str:
    if not other.rows:
        return f"(they cannot be compared: {other.reason})"
    return f"on the same {other.rows:,} later rows"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and every rule that was checked, failures first."""

    rules: tuple[Rule, ...]

    @property
    def promote(self) -> bool:
        """Whether all rules passed, and there were rules."""
        return bool(self.rules) and all(rule.passed for rule in self.rules)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the rules that refuse."""
        return tuple(rule.name for rule in self.rules if not rule.passed)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each rule, failures first."""
        return tuple(rule.sentence for rule in self.rules)


def verdict(evidence: ChallengerEvidence) -> Verdict:
    """Check every rule; what is absent or not finite fails its rule."""
    checked = (*rules_of_the_model(evidence), *against_champions(evidence))
    return Verdict(tuple(sorted(checked, key=lambda rule: rule.passed)))
