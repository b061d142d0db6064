"""Promotion verdict: all rules must pass, and an absent value fails."""

from dataclasses import dataclass

from models.promotion import rules
from models.promotion.evidence import Evidence
from models.promotion.rules import Rule


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


def verdict(evidence: Evidence) -> Verdict:
    """Check every rule; what is absent or not finite fails its rule."""
    slope = evidence.card.get("calibration_slope")
    checked = [
        rules.no_leak(evidence),
        rules.ranks(evidence),
        rules.beats_base_rate(evidence),
        rules.slope("calibration_slope", "Calibration slope", slope),
        *rules.slopes(evidence),
        rules.level(evidence),
        rules.as_judged(evidence),
        rules.seeds(evidence),
        rules.features(evidence),
        rules.heard(evidence),
        *rules.against(evidence.rival),
    ]
    return Verdict(tuple(sorted(checked, key=lambda rule: rule.passed)))
