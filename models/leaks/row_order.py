"""Row-order leak detection: whether the order of ids, or of the file, predicts the label."""

import numpy as np
import pandas as pd

from models.dataset.array_types import Index, Texts
from models.leaks.rows import Binned, Kind, Leak, LeakRows, error, limit

_BINS = 20
# AUC from which an order is noted, and refused.
_NOTE, _ALARM = 0.58, 0.75


def order_findings(rows: LeakRows, filed: Texts | None) -> tuple[Leak, ...]:
    """Findings on the order of ids and, given ``filed``, the ids as the source's rows have them.

    Two orders that are the same are told once, as that of the ids.
    """
    first = np.flatnonzero(np.diff(rows.customer, prepend=-1))
    ids = rows.examples.customer_id[first]
    orders: dict[Kind, Index] = {"id_order": id_order(ids)}
    if filed is not None:
        at = pd.Index(filed).drop_duplicates().get_indexer(pd.Index(ids))
        in_file = np.argsort(np.argsort(at, kind="stable"))
        if abs(float(np.corrcoef(orders["id_order"], in_file)[0, 1])) < 0.99:
            orders["row_order"] = in_file
    findings = (_finding(rows, first, place, kind) for kind, place in orders.items())
    return tuple(finding for finding in findings if finding is not None)


def id_order(ids: Texts) -> Index:
    """Place of each id when shorter ones come first, then by text: the order of numbers.

    >>> id_order(np.array(["10", "9", "2"], dtype=object)).tolist()
    [2, 1, 0]
    """
    text = ids.astype(str)
    return np.argsort(np.lexsort((text, np.char.str_len(text))))


def _finding(rows: LeakRows, first: Index, place: Index, kind: Kind) -> Leak | None:
    customers = len(place)
    code = (place * _BINS // customers)[rows.customer]
    auc = Binned.of(rows, code).auc(against_leavers=False)
    clump, surprise = _clumps(rows.left[first][np.argsort(place)])
    noise = error(0.5, rows.leavers, rows.stayers)
    least = limit(2)
    ranks = (auc - 0.5) / noise > least and auc >= _NOTE
    clumps = surprise > least and clump >= _NOTE - 0.5
    if not (ranks or clumps):
        return None
    refuses = auc >= _ALARM or clump >= 2 * (_ALARM - 0.5)
    what = "The order of customer ids" if kind == "id_order" else "The order of the file's rows"
    why = "the customers were most likely put together by outcome"
    if not refuses:
        why = "it may only follow when they joined; if it does not, ask how the table was made"
    return Leak(
        kind,
        "customer_id" if kind == "id_order" else "row_order",
        {"auc": auc, "clumping": clump, "clumping_z": surprise},
        f"{what} tells who left, and leavers follow one another {max(clump, 0):.0%} of the way "
        f"from chance to always: {why}",
        refuses,
    )


def _clumps(left: np.ndarray) -> tuple[float, float]:
    """How far above chance leavers follow leavers, from 0 to 1, and that in standard errors."""
    total, leavers = len(left), int(left.sum())
    if leavers < 2 or leavers == total:
        return 0.0, 0.0
    share = (leavers - 1) / (total - 1)
    follow = int((left[1:] & left[:-1]).sum())
    expected = leavers * share
    spread = np.sqrt(total) * share * (1 - share)
    return float((follow / leavers - share) / (1 - share)), float((follow - expected) / spread)
