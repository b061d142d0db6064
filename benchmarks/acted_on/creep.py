"""A year of weekly challengers that rank a little worse than the champion: how much is lost.

Scores are simulated, not fitted: log-odds of leaving plus noise, which grows from champion to
challenger. Every week has rows of its own that neither has learned from.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from benchmarks.models.keeping import Row
from models.dataset.array_types import Floats, Labels
from models.metrics.bootstrap import Interval, Rows
from models.metrics.logistic import base_rate_loss, log_losses
from models.metrics.ranking import roc_auc
from models.promotion.evidence import (
    ChallengerEvidence,
    ChampionComparison,
    log_loss_gain,
)
from models.promotion.verdict import against_champions, error_of

WEEKS, RATE, SPREAD, WORSE = 52, 0.05, 1.0, 0.0015


@dataclass(frozen=True, slots=True)
class _Score:
    """A score's noise beside the true log-odds, as a standard deviation."""

    noise: float

    def of(self, truth: Floats, shared: Floats) -> Floats:
        """Probabilities: the best guess of the truth from it and the noise."""
        shrink = SPREAD**2 / (SPREAD**2 + self.noise**2)
        return np.asarray(expit(-3.4 + shrink * (truth + self.noise * shared)), dtype=np.float64)


def year(leavers: int, seed: int) -> Row:
    """AUC at the start and the end of a year, and how many challengers were promoted."""
    rng = np.random.default_rng(seed)
    noises = _ladder(rng)
    at, best, promoted = 0, 0, 0
    for week in range(WEEKS):
        challenger = min(at + 1, len(noises) - 1)
        truth, shared, y = _rows(rng, leavers)
        scores = {k: _Score(noises[k]).of(truth, shared) for k in {at, best, challenger}}
        rival = _against(y, scores[challenger], scores[at], week + 1, f"churn v{at}")
        anchor = None
        if best != at:
            anchor = _against(y, scores[challenger], scores[best], week + 1, f"churn v{best}")
        if all(rule.passed for rule in against_champions(_evidence(rival, anchor, week + 1))):
            at, promoted = challenger, promoted + 1
    return {"lost": WORSE * at, "promoted": promoted}


def _ladder(rng: np.random.Generator) -> list[float]:
    """Noises of scores each ``WORSE`` in AUC below the one before."""
    truth, shared, y = _rows(rng, 8_000)
    grid = np.linspace(0.2, 3.0, 40)
    aucs = np.array([roc_auc(y, truth + noise * shared) for noise in grid])
    wanted = aucs[0] - WORSE * np.arange(WEEKS + 1)
    return [float(np.interp(-each, -aucs, grid)) for each in wanted]


def _rows(rng: np.random.Generator, leavers: int) -> tuple[Floats, Floats, Labels]:
    size = int(leavers / RATE)
    truth = rng.normal(0, SPREAD, size)
    y = (rng.random(size) < expit(-3.4 + truth)).astype(np.int8)
    return truth, rng.normal(size=size), y


def _against(
    y: Labels, challenger: Floats, champion: Floats, looks: int, label: str
) -> ChampionComparison:
    who = np.arange(len(y)).astype(str).astype(object)
    gain = log_loss_gain(Rows(who, y), challenger, champion, error_of(looks))
    worth = base_rate_loss(y) - float(log_losses(y, champion).mean())
    return ChampionComparison(label, len(y), int(y.sum()), gain, worth, overlap=1.0)


def _evidence(
    rival: ChampionComparison, anchor: ChampionComparison | None, looks: int
) -> ChallengerEvidence:
    """What the rules about champions read; the others have nothing to say here."""
    return ChallengerEvidence(
        card={},
        slopes={},
        base_log_loss=0.0,
        own_gain=Interval(0.0, 0.0, 0.0),
        weakest_seed=1.0,
        same_features=True,
        spread={},
        leak=None,
        rival=rival,
        anchor=anchor,
        looks=looks,
        baselines=(),
    )
