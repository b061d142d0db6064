"""Promotion verdict: all rules must pass, and an absent value fails."""

from dataclasses import dataclass

from models.promotion import rules
from models.promotion.champion_comparison import ChallengerEvidence
from models.promotion.non_inferiority import against_champions


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and every rule that was checked, failures first."""

    rules: tuple[rules.Rule, ...]

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
    checked = (*rules.rules_of_the_model(evidence), *against_champions(evidence))
    return Verdict(tuple(sorted(checked, key=lambda rule: rule.passed)))
