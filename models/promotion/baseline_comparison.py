"""Baseline comparison: a model beside what it must beat, paired on the same test rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.dataset.array_types import Floats
from models.metrics.bootstrap import Interval, Rows, bootstrap, mean_interval
from models.metrics.logistic import base_rate_loss, log_losses
from models.metrics.ranking import auc_difference, roc_auc

MARGIN = 0.025
_AUC_MARGIN = 0.0025
_BY_ORDER = ("next_date",)


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """A model beside one baseline by ``measure``: above 0, ``gain`` is the model's advantage.

    ``margin`` is what makes no difference to a list: 0.0025 of AUC, or 2.5 % of what the model's
    log loss gains over the base rate, which is about the same at an AUC of 0.7 to 0.8.
    """

    name: str
    measure: str
    model: float
    baseline: float
    gain: Interval
    margin: float

    @property
    def word(self) -> str:
        """``better``, ``worse``, or ``equal``, for all that the rows can tell.

        Worse is a gain wholly below 0, or below minus the margin by more than its standard error.

        >>> BaselineComparison("b", "AUC", 0.7, 0.705, Interval(-0.005, -0.012, 0.002), 0.002).word
        'worse'
        """
        error = (self.gain.high - self.gain.low) / 4
        if not self.gain.value >= -max(self.margin, error) or self.gain.high < 0:
            return "worse"
        return "better" if self.gain.low > 0 else "equal"

    @property
    def sentence(self) -> str:
        """The figures and the word."""
        figures = f"{self.measure} {self.model:.4f} against {self.baseline:.4f}"
        return f"{self.word}, {figures}, gain {self.gain:.4f}"


def compare_baselines(rows: Rows, scores: Mapping[str, Floats]) -> tuple[BaselineComparison, ...]:
    """``scores["model"]`` beside each baseline of ``scores``, name → probabilities (n,).

    By log loss, or by AUC where a rule serves as an order only. The base rate has its own rule.
    """
    y, model = rows.y, scores["model"]
    losses, worth = log_losses(y, model), base_rate_loss(y)
    found = []
    for name, theirs in scores.items():
        if name in ("model", "base_rate"):
            continue
        if name in _BY_ORDER:
            gain = bootstrap(auc_difference(y, model, theirs), rows)
            both, margin, measure = (roc_auc(y, model), roc_auc(y, theirs)), _AUC_MARGIN, "AUC"
        else:
            other = log_losses(y, theirs)
            gain = mean_interval(other - losses, rows.customer_id)
            both, measure = (float(losses.mean()), float(other.mean())), "log loss"
            margin = MARGIN * max(worth - both[0], 0.0)
        found.append(BaselineComparison(name, measure, *both, gain, margin))
    return tuple(found)
