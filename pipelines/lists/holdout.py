"""Randomised holdout: treatment arms drawn by a keyed hash of the household's or customer's id.

An arm belongs to the household, as a call to one member moves the others, and not to the night, so
that effects add up over nights.
"""

import hmac

import numpy as np
import pandas as pd

ARMS = ("treat", "holdout")
_DRAW = b"stille arm\x00"


def arms(
    customer_id: "pd.Series[str]", household_id: "pd.Series[str]", key: bytes, holdout_share: float
) -> "pd.Series[str]":
    """``treat`` or ``holdout`` for each customer, from the keyed hash of one id alone.

    The id is the household's, the customer's where that is null. Who has it is held out when
    HMAC-SHA-256(key, id), read as a number in [0, 1), lies below ``holdout_share``. Whoever does
    not have the key cannot tell or choose an arm, and no other household, night, order or risk
    enters, so the arm stays for as long as the key does; a larger share only adds to the holdout.

    The same share is drawn in every risk band, but for chance. Exact quotas would need an arm to
    depend on who else is in the band that night, and the arm of a customer who moves to another
    band would jump. The manifest counts the arms by band: an analysis compares within bands.
    """
    ids = household_id.fillna(customer_id).astype("str")
    draws = (hmac.digest(key, _DRAW + id_.encode(), "sha256") for id_ in ids)
    lots = np.array([int.from_bytes(draw[:8], "big") / 2.0**64 for draw in draws])
    arm = np.where(lots < holdout_share, "holdout", "treat")
    return pd.Series(arm, index=customer_id.index, dtype="str")
