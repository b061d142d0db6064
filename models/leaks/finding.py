"""Leak findings and the detector's limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "knows_label",
    "measured_at_exit",
    "leavers_only",
    "after_as_of",
    "adds_up",
    "id_order",
    "row_order",
]


@dataclass(frozen=True, slots=True)
class Leak:
    """One suspected leak.

    ``column`` is a feature, ``a + b`` or ``a - b`` for two that act together, ``customer_id`` or
    ``row_order``; it is also the name to override. ``evidence`` holds the numbers behind
    ``message``. A finding that does not refuse is there for a person to know.
    """

    kind: Kind
    column: str
    evidence: Mapping[str, float]
    message: str
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class LeakLimits:
    """Where honest columns end.

    ``alarm`` is an AUC that no honest column reaches alone: published models reach 0.52 to 0.77
    with all columns together. ``honest`` is what its lower bound must exceed besides. ``gain`` is
    how far a pair must surpass its parts, and the oldest months the newest. ``edge`` is how far
    above one half an AUC at the label window's end must lie. Order is noted from ``order_note``
    and refused from ``order_alarm`` on. ``significance`` is the chance of a false finding over
    all columns, for each kind of check. Of more than ``rows`` rows, those of a share of the
    customers are looked at.
    """

    alarm: float = 0.80
    honest: float = 0.70
    gain: float = 0.10
    edge: float = 0.05
    order_note: float = 0.58
    order_alarm: float = 0.75
    significance: float = 0.002
    rows: int = 200_000
