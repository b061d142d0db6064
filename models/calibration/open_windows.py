"""Current-status likelihood for open label windows (Sun 2006).

Of a row that leaves with chance p, a notice is known so far with chance share · p, where share is
how many of a whole window's leavers are known that far into it; in a complete window it is 1.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.timeline import LabelWindow
from models.dataset.array_types import Days, Floats, Index, Labels, Mask, RowTable, Texts
from models.dataset.examples import Examples
from models.metrics.logistic import descend


@dataclass(frozen=True, slots=True)
class OpenWindowRows(RowTable):
    """Rows, the boosters' log-odds of each (``raw``), and who has left so far; all (n,).

    ``y`` is 1 for a voluntary notice in the label window that is known. ``share``, above 0 and at
    most 1, is how many of a whole window's leavers are known this far into it.
    """

    customer_id: Texts
    as_of: Days
    product_line: Texts
    raw: Floats
    y: Labels
    share: Floats

    @property
    def copies(self) -> Index:
        """How often each row is there (n,): one that counts for several is repeated in place."""
        if len(self) == 0:
            return np.zeros(0, dtype=np.int64)
        pairs = ((each[1:], each[:-1]) for each in (self.customer_id, self.as_of))
        other = np.any([after != before for after, before in pairs], axis=0)
        lengths = np.diff(np.flatnonzero(np.concatenate([[True], other, [True]])))
        return np.repeat(lengths, lengths)

    @staticmethod
    def complete(examples: Examples, raw: Floats) -> "OpenWindowRows":
        """Examples, whose label windows are complete."""
        e = examples
        return OpenWindowRows(e.customer_id, e.as_of, e.product_line, raw, e.y, np.ones(len(e)))


def current_status(ended_after: Index, cause: Texts, window: LabelWindow) -> tuple[Labels, Mask]:
    """Who is known to have left in the window (1), and who is out of it, both (n,).

    ``ended_after`` (n,) are the days from the as-of date to the end, ``cause`` its outcome, as far
    as known. Out is who ended otherwise, or in the lead. An end after the window changes nothing.
    """
    within = ended_after < window.lead_days + window.horizon_days
    left = within & (ended_after >= window.lead_days) & (cause == "voluntary")
    return left.astype(np.int8), within & ~left


def fit_level_shift(z: Floats, y: Labels, share: Floats) -> float:
    """What must be added to the log-odds ``z`` (n,) for the likelihood to be greatest.

    Scoring steps of at most 1, as an open row's loss is flat far up, halved until the loss falls.
    Needs a row with ``y`` 1.
    """

    def step(at: Floats) -> Floats:
        now = z + at
        pull = expit(-now) * (y - share * expit(now)) / (1 - share + share * expit(-now))
        move = pull.sum() / information(now, share).sum()
        return np.asarray(np.clip([move], -1.0, 1.0), dtype=np.float64)

    return float(descend(np.zeros(1), step, lambda at: log_loss(z + at, y, share))[0])


def information(z: Floats, share: Floats) -> Floats:
    """What each row tells about the level of the log-odds ``z``; (n,)."""
    p, stays = expit(z), expit(-z)
    return np.asarray(share * p * stays**2 / (1 - share + share * stays), dtype=np.float64)


def log_loss(z: Floats, y: Labels, share: Floats) -> float:
    """Mean log loss of what is known so far, of the log-odds ``z`` (n,) for the whole window."""
    left = np.log(share) - np.logaddexp(0.0, -z)
    return float(-np.mean(np.where(y == 1, left, np.log(1 - share + share * expit(-z)))))
