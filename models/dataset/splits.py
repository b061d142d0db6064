"""Train and test splits: by time with a gap, or by customer.

A label of as-of date d is complete at ``window.end(d)``. A test date T may therefore only be
preceded by training dates with ``window.end(d) <= T``: the gap of lead + horizon days.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

import numpy as np

from features.errors import GateError
from features.timeline import LabelWindow
from models.dataset.array_types import Days, Floats, Labels, Mask, Texts


@dataclass(frozen=True, slots=True)
class Fold:
    """Two disjoint row masks of shape (n,) and what to call them."""

    train: Mask
    test: Mask
    name: str


def rolling_origin(
    as_of: Days, window: LabelWindow, folds: int, test_months: int
) -> tuple[Fold, ...]:
    """``folds`` consecutive time splits, oldest first; the last one evaluates the newest months.

    Raises ``GateError`` when the history is too short for the oldest fold.
    """
    months = np.unique(as_of.astype("datetime64[M]"))
    if len(months) <= folds * test_months:
        raise GateError(
            f"{len(months)} months of labelled rows cannot give {folds} test period(s) of "
            f"{test_months} month(s) and older rows to train on. Set training.first_as_of "
            "earlier, or training.test_months lower."
        )
    ends = [len(months) - tests * test_months for tests in range(folds, 0, -1)]
    return tuple(_fold(as_of, months[end : end + test_months], window) for end in ends)


def customer_share(customer_id: Texts, purpose: str) -> Floats:
    """A number in [0, 1) per row, fixed by purpose and customer id (MD5, the same everywhere).

    Each purpose draws anew: a split inside the rows that another split left would be empty if
    both went by the same number.
    """
    ids, rows = np.unique(customer_id.astype(str), return_inverse=True)
    digests = b"".join(
        hashlib.md5(f"{purpose}:{text}".encode(), usedforsecurity=False).digest()[:4]
        for text in ids.tolist()
    )
    shares = np.frombuffer(digests, dtype=">u4").astype(np.float64) / 2**32
    return np.asarray(shares[rows], dtype=np.float64)


def customer_split(customer_id: Texts, share: float, purpose: str = "test") -> Fold:
    """Judge on about ``share`` of the customers with all their rows; for a single as-of date."""
    test = customer_share(customer_id, purpose) < share
    return Fold(~test, test, f"customers, {share:.0%}")


def customer_folds(customer_id: Texts, k: int, purpose: str = "fold") -> tuple[Fold, ...]:
    """``k`` splits in which each customer is evaluated exactly once."""
    number = np.floor(customer_share(customer_id, purpose) * k).astype(int)
    return tuple(
        Fold(number != fold, number == fold, f"customers, fold {fold + 1} of {k}")
        for fold in range(k)
    )


def require_test_rows(fold: Fold, y: Labels, least: int) -> None:
    """Raise ``GateError`` when the test rows hold fewer than ``least`` leavers or stayers."""
    stayers, leavers = np.bincount(y[fold.test], minlength=2)
    if min(stayers, leavers) < least:
        raise GateError(
            f"The test rows ({fold.name}) hold {leavers} leavers and {stayers} stayers; at least "
            f"{least} of each are needed to tell a good model from a bad one. Set "
            "training.test_months higher, or take in more customers or a longer "
            "label.horizon_days; training.min_test_positives is the limit."
        )


def newest_months(as_of: Days, y: Labels, window: LabelWindow, min_positives: int) -> Fold | None:
    """A time split on the newest three months, or two, or one; None where none will do.

    The older months whose labels were complete must hold at least as many rows, and each side
    ``min_positives`` of both classes.
    """
    folds = possible_splits(as_of, y, window, (3, 2, 1), min_positives)
    return next((fold for fold in folds if fold.train.sum() >= fold.test.sum()), None)


def possible_splits(
    as_of: Days, y: Labels, window: LabelWindow, test_months: Iterable[int], least: int
) -> Iterator[Fold]:
    """The time splits that the history allows with ``least`` rows of both classes on each side."""
    for months in test_months:
        with suppress(GateError):
            [fold] = rolling_origin(as_of, window, 1, months)
            if has_both_classes(fold, y, least):
                yield fold


def _fold(as_of: Days, months: Days, window: LabelWindow) -> Fold:
    test = np.isin(as_of.astype("datetime64[M]"), months)
    first: date = as_of[test].min().item()
    closed = [d for d in np.unique(as_of) if window.complete(d.item(), first)]
    train = np.isin(as_of, closed)
    if not train.any():
        raise GateError(
            f"No as-of date had a complete label window ({window.lead_days} + "
            f"{window.horizon_days} days) by {first}, the first test date. Set "
            "training.first_as_of earlier, or training.test_months lower."
        )
    return Fold(train, test, f"time, {months[0]} to {months[-1]}")


def has_both_classes(fold: Fold, y: Labels, least: int) -> bool:
    """Whether each side holds ``least`` rows of either class."""
    counts = (np.bincount(y[side], minlength=2).min() for side in (fold.train, fold.test))
    return all(count >= least for count in counts)
