"""Discrete-time competing-risks model: incidence by cause and horizon; its scorecard and files.

One softmax over "still a customer" and the causes, period by period: the chances of a period
add up to 1, so the cumulative incidences and the chance of having stayed do too, and none of
them falls as the horizon grows.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
from scipy.special import softmax

from features.contract import OUTCOMES
from features.errors import ModelError
from models.boosters.fingerprint import probe_rows
from models.boosters.text_format import NEXT, parse_booster, read_splits, refuse_damage
from models.competing_risks.person_periods import PERIOD_DAYS, cause_codes, cumulative_incidence
from models.dataset.array_types import Floats, Index, Mask, Matrix
from models.dataset.exposure import whole_times
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.dataset.histories import Histories
from models.metrics.ranking import roc_auc

PERIOD, OTHER = "period_number", "other"
FEWEST_ENDS = 20
_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Incidence:
    """Boosters over matrix and period, what they start from, and what their classes mean.

    ``causes`` names the classes after "still a customer", ``pooled`` the outcomes that the class
    ``other`` stands for. ``baseline`` (periods, 1 + causes) are the log-chances of a period over
    all rows, from which the boosters start; ``level`` (1 + causes,) corrects each class's
    log-chance. ``lead_days`` is the gap before period 0. Raises ``ModelError`` when the parts do
    not fit together.
    """

    boosters: tuple[lgb.Booster, ...]
    causes: tuple[str, ...]
    pooled: tuple[str, ...]
    baseline: Floats
    level: Floats
    lead_days: int
    spec: FeatureSpec

    def __post_init__(self) -> None:
        classes = 1 + len(self.causes)
        named = [tuple(booster.feature_name()) for booster in self.boosters]
        fits = (
            self.baseline.ndim == 2
            and len(self.baseline) > 0
            and self.baseline.shape[1] == classes
            and self.level.shape == (classes,)
            and bool(np.isfinite(self.baseline).all() and np.isfinite(self.level).all())
            and all(names == (*self.spec.names, PERIOD) for names in named)
            and all(booster.num_model_per_iteration() == classes for booster in self.boosters)
        )
        if not fits:
            raise ModelError(
                "The parts of the outcomes' model do not fit its causes, periods or features. "
                "Train again: stille train."
            )

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The outcomes that each cause stands for."""
        return tuple(self.pooled if cause == OTHER else (cause,) for cause in self.causes)

    @property
    def periods(self) -> int:
        return len(self.baseline)

    def covers(self, horizon_days: int) -> bool:
        """Whether a horizon is whole periods and not longer than what was learned."""
        whole = horizon_days % PERIOD_DAYS == 0
        return whole and 0 < horizon_days <= self.periods * PERIOD_DAYS

    def hazards(self, x: Matrix, number: Index, threads: int = 2) -> Floats:
        """Chances of each class in period ``number`` (n,) for who is at risk then, (n, 1 + causes).

        ``x`` (n, f) is the encoded matrix of ``spec``.
        """
        score = self.baseline[number] + self.level
        if self.boosters and len(x):
            wide = with_period(x, number)
            for booster in self.boosters:
                raw = np.asarray(booster.predict(wide, raw_score=True, num_threads=threads))
                score = score + raw / len(self.boosters)
        return np.asarray(softmax(score, axis=1), dtype=np.float64)

    def incidence(self, x: Matrix, horizons: tuple[int, ...], threads: int = 2) -> Floats:
        """Chance of having stayed (first) and of each cause, (n, len(horizons), 1 + causes).

        A cause counts within ``[as_of + lead, as_of + lead + horizon)``, for a customer who has
        not ended before. Raises ``ModelError`` for a horizon that was not learned.
        """
        strange = [days for days in horizons if not self.covers(days)]
        if strange:
            raise ModelError(
                f"The model's outcomes reach {self.periods * PERIOD_DAYS} days in steps of "
                f"{PERIOD_DAYS}; asked for {strange}. Train again: stille train."
            )
        last = [days // PERIOD_DAYS - 1 for days in horizons]
        out = np.empty((len(x), len(horizons), 1 + len(self.causes)))
        for start in range(0, len(x), _BATCH):
            part = x[start : start + _BATCH]
            each = [
                self.hazards(part, np.full(len(part), number), threads)[:, 1:]
                for number in range(max(last) + 1)
            ]
            out[start : start + _BATCH] = cumulative_incidence(np.stack(each, axis=1))[:, last]
        return out


def with_period(x: Matrix, number: Index) -> Matrix:
    """``x`` (n, f) with the period as its last column: float32, Fortran order, (n, f + 1)."""
    wide = np.empty((len(x), x.shape[1] + 1), dtype=np.float32, order="F")
    wide[:, :-1] = x
    wide[:, -1] = number
    return wide


def rounded(incidence: Floats) -> Floats:
    """Incidences in millionths that add up exactly: causes rounded down, the rest has stayed.

    Rounding down keeps every cause from falling as the horizon grows, and never asks for more
    than there is. Returns whole numbers as float64, the shape of ``incidence``.

    >>> rounded(np.array([1 / 3, 2 / 3])).tolist()
    [333334.0, 666666.0]
    """
    causes = np.floor(incidence[..., 1:] * 1e6 + 1e-6)
    stayed = 1e6 - causes.sum(axis=-1, keepdims=True)
    return np.concatenate([stayed, causes], axis=-1)


def followed_up_rows(
    histories: Histories, lead_days: int, horizon_days: int, complete: Mask
) -> Index:
    """Positions of rows that can judge a horizon, of those (n,) that have it ``complete``.

    Left out is who ended in the lead, and who was treated before the horizon's end or their own;
    the others are repeated by what they count for them.
    """
    end = lead_days + horizon_days
    there = complete & (histories.ended_after >= lead_days)
    weight = np.where(there, histories.exposure.weights(end), 0.0)
    left = (histories.ended_after < end).astype(np.int8)
    return np.repeat(np.arange(len(histories)), whole_times(weight, left))


def evaluate_outcomes(
    model: Incidence, histories: Histories, horizon_days: int, threads: int = 2
) -> dict[str, dict[str, Any]]:
    """Cards of ``stayed`` and each cause on rows whose horizon is complete and followed.

    A card has ``rows`` with the outcome, their share ``observed``, the mean chance ``predicted``,
    and the ``auc`` that ranks them above all others; None with too few of either.
    """
    incidence = model.incidence(histories.x, (horizon_days,), threads)[:, 0]
    within = histories.ended_after < model.lead_days + horizon_days
    outcome = np.where(within, cause_codes(histories.cause, model.groups), 0)
    cards = {}
    for i, name in enumerate(("stayed", *model.causes)):
        chance, happened = incidence[:, i], outcome == i
        cards[name] = {
            "rows": int(happened.sum()),
            "observed": float(happened.mean()) if len(happened) else 0.0,
            "predicted": float(chance.mean()) if len(chance) else 0.0,
            "auc": ranks(happened, chance),
        }
    return cards


def voluntary_or_stayed(incidence: Floats) -> Floats:
    """Chance of a voluntary notice where no other outcome competes: what the churn model gives.

    ``incidence`` (…, 1 + causes) has stayed first and voluntary second.
    """
    stayed, voluntary = incidence[..., 0], incidence[..., 1]
    return np.asarray(voluntary / (voluntary + stayed), dtype=np.float64)


def ranks(y: Mask, score: Floats) -> float | None:
    """AUC of a score (n,), None with too few rows of either kind."""
    if min(int(y.sum()), int((~y).sum())) < FEWEST_ENDS:
        return None
    return roc_auc(y.astype(np.int8), score)


INCIDENCE_JSON = "incidence.json"
_BOOSTER = re.compile(r"incidence_(0|[1-9][0-9]?)\.txt")
_PROBED, _TOLERANCE = 64, 1e-9
_PERIOD = FeatureColumn(PERIOD, "number", "", "", 0, "periods since the lead")


def incidence_names(names: Collection[str]) -> list[str]:
    """The boosters' names, in order, that as many files as there are must have."""
    count = sum(_BOOSTER.fullmatch(name) is not None for name in names)
    return [f"incidence_{number}.txt" for number in range(count)]


def incidence_files(model: Incidence) -> dict[str, bytes]:
    """File name → content: ``incidence_0.txt`` … and ``incidence.json``, UTF-8."""
    texts = [booster.model_to_string().encode() for booster in model.boosters]
    described = {
        "causes": model.causes,
        "pooled": model.pooled,
        "lead_days": model.lead_days,
        "baseline": model.baseline.tolist(),
        "level": model.level.tolist(),
        "probe": _scores(model.boosters, _probe_rows(texts, model)).tolist(),
    }
    boosters = {f"incidence_{number}.txt": text for number, text in enumerate(texts)}
    return boosters | {INCIDENCE_JSON: json.dumps(described).encode()}


def read_incidence(files: Mapping[str, bytes], spec: FeatureSpec) -> Callable[[], Incidence] | None:
    """What parses the outcomes by horizon that ``files`` hold; None without ``incidence.json``.

    Every tree is validated here, before LightGBM may see it. Raises ``ModelError`` for a
    description or a booster that is none, or that does not fit; so does parsing, where the
    boosters do not give the scores of the stored probe.
    """
    if INCIDENCE_JSON not in files:
        return None
    with refuse_damage(f"{INCIDENCE_JSON} or its boosters cannot be read"):
        stored = json.loads(files[INCIDENCE_JSON])
        causes, pooled = tuple(stored["causes"]), tuple(stored["pooled"])
        baseline, level = (np.array(stored[key], dtype=np.float64) for key in ("baseline", "level"))
        if not {*causes, *pooled} <= {*OUTCOMES, OTHER} or len(set(causes)) < len(causes):
            raise ValueError("an unknown or repeated cause")
        model = Incidence((), causes, pooled, baseline, level, int(stored["lead_days"]), spec)
        texts = [files[name] for name in incidence_names(files)]
        x, probe = _probe_rows(texts, model), np.array(stored["probe"], dtype=np.float64)
        if probe.shape != (len(texts), len(x), 1 + len(causes)):
            raise ValueError("a probe of other boosters")

    def parse() -> Incidence:
        boosters = tuple(parse_booster(text) for text in texts)
        if not np.allclose(_scores(boosters, x), probe, rtol=_TOLERANCE, atol=_TOLERANCE):
            raise ModelError(
                "The boosters of the outcomes by horizon do not give the scores that they gave "
                f"when they were trained. {NEXT}"
            )
        return replace(model, boosters=boosters)

    return parse


def _probe_rows(texts: list[bytes], model: Incidence) -> Matrix:
    """Rows on and beyond the boosters' own thresholds; nothing of a customer."""
    wide = FeatureSpec((*model.spec.columns, _PERIOD))
    if not texts:
        raise ValueError("no booster")
    classes = 1 + len(model.causes)
    splits = [s for text in texts for s in read_splits(text.decode(), wide.names, classes)]
    return probe_rows(splits, wide)[:_PROBED]


def _scores(boosters: tuple[lgb.Booster, ...], x: Matrix) -> Floats:
    """Raw scores, float64, shape (boosters, rows, classes)."""
    scores = [booster.predict(x, raw_score=True, num_threads=1) for booster in boosters]
    return np.array(scores, dtype=np.float64)
