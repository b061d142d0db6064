"""Sleeping dogs: distribution of the share that a contact makes leave.

A retention contact made customers leave who stayed out of inertia: it lowered the inertia and made
usage salient (Ascarza, Iyengar and Schleicher 2016, J. Marketing Research 53). Who has dealt with
the company lately has no inertia to lose, so the sleepers bear it. That nobody else is woken is an
assumption; a company's own holdout shows who is.
"""

import numpy as np

from models.dataset.array_types import Floats, Mask


def woken_shares(p: Floats, asleep: Mask, woken_share: float) -> Floats:
    """Each one's ω, (n,): chance that contact makes them leave who would have stayed.

    ``p`` (n,) are the chances of leaving alone, so of contacting all of them as many stayers are
    woken as with the same ``woken_share`` for each. The sleepers wake them all; what is more than
    every one of them is borne by the others, and by all where nobody sleeps.

    >>> woken_shares(np.array([0.5, 0.5]), np.array([True, False]), 0.1).tolist()
    [0.2, 0.0]
    """
    stay = 1 - p
    share = float(stay[asleep].sum() / stay.sum()) if stay.sum() > 0 else 0.0
    if share in (0.0, 1.0):
        return np.full(len(p), woken_share)
    of_sleepers = min(woken_share / share, 1.0)
    of_others = max(woken_share - share * of_sleepers, 0.0) / (1 - share)
    return np.where(asleep, of_sleepers, of_others)
