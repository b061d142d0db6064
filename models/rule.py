"""One rule of promotion with what it measured. A NaN fails its rule."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what was measured (None: nothing), its band (inclusive; None is open), a sentence.

    A value outside the band may pass where the sentence says so, as when its interval reaches in.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    passed: bool
    sentence: str


def rule(
    name: str, value: float, low: float | None, high: float | None, passed: bool, said: str
) -> Rule:
    """A rule that fails when ``value`` is not finite, whatever ``passed`` says."""
    return Rule(name, _known(value), _known(low), _known(high), passed and _finite(value), said)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _known(value: float | None) -> float | None:
    return value if _finite(value) else None
