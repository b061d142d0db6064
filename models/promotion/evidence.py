"""Evidence on a challenger that the promotion rules judge."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.leaks.verdict import LeakWarning
from models.metrics.bootstrap import Interval
from models.promotion.champion_comparison import ChampionComparison


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a challenger, on rows later than all that the judged fit has seen.

    ``card`` is its scorecard there, ``slopes`` the calibration slope by product line where one
    has leavers enough, ``base_log_loss`` the base rate's log loss. ``own_log_loss`` and
    ``weakest_seed_ratio`` (see ``models.promotion.champion_comparison``) are those of the
    registered model, which has learned from these rows too. ``spread`` is the mean absolute
    contribution by driver family; ``rival`` the comparison with the champion, None without one.
    """

    card: Mapping[str, Interval]
    slopes: Mapping[str, Interval]
    base_log_loss: float
    own_log_loss: float
    weakest_seed: float
    same_features: bool
    spread: Mapping[str, float]
    leak: LeakWarning | None
    rival: ChampionComparison | None
