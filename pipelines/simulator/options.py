"""What a caller may turn: how late, how corrected, how dirty the tables are, and who is who."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TYPES = ("sleeping_dog", "sure", "lost", "persuadable")
"""Customers by what being contacted does to them, in the order in which they are dealt."""

USUAL_TYPES: Mapping[str, float] = MappingProxyType(
    {"persuadable": 0.25, "sure": 0.45, "lost": 0.20, "sleeping_dog": 0.10}
)
USUAL_LATE_SHARE, USUAL_CORRECTIONS = 0.015, 0.008


@dataclass(frozen=True, slots=True)
class Dials:
    """``late_share``: rows of event tables that become known one to ten days late.

    ``corrections``: about the share of bills that are corrected, estimated ones far more often.
    ``acted_on``: share of those with an unresolved case who are called at the start of each month,
    mostly with success; the others are held out, always the same ones.
    ``dirty``: rows that break the contract. ``types``: share of customers of each type.
    Raises ``ValueError`` for shares outside 0 to 1, unknown types, or types that do not add up
    to 1.
    """

    late_share: float = USUAL_LATE_SHARE
    corrections: float = USUAL_CORRECTIONS
    dirty: float = 0.0
    acted_on: float = 0.0
    types: Mapping[str, float] = field(default_factory=lambda: USUAL_TYPES)

    def __post_init__(self) -> None:
        for name in ("late_share", "corrections", "dirty", "acted_on"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"{name} {share} must lie between 0 and 1")
        wrong = set(self.types) != set(TYPES) or min(self.types.values(), default=-1) < 0
        if wrong or abs(sum(self.types.values()) - 1) > 1e-9:
            raise ValueError(
                f"types {dict(self.types)} must give each of {', '.join(sorted(TYPES))} a share, "
                "1 together"
            )
