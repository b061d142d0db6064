"""Change log between two nights: who entered, left or moved, and the cause.

A list that differs every morning is not trusted unless it says why.
"""

from collections.abc import Mapping
from itertools import compress

import numpy as np
import pandas as pd

from pipelines.lists.contact import BLOCK_REASONS
from pipelines.lists.lanes import LANES
from pipelines.lists.previous_nights import PublishedNight
from pipelines.publication.manifest import Stamp, columns

CHANGES_NAME = "changes"
KINDS = ("entered", "left", "moved")
_DECIDES = {
    "model": "model_digest",
    "configuration": "config_digest",
    "holdout_key": "holdout_key",
    "effect": "effect_digest",
}
CAUSES = ("event", "permission", *_DECIDES, "others", "time")
_OF_OTHERS = ("capacity", "household", "holdout")

CHANGE_FIELDS = columns("changes", change=KINDS, lane_before=LANES, lane_now=LANES)


def changes(
    now: pd.DataFrame, before: PublishedNight, events: pd.DataFrame, stamp: Stamp
) -> pd.DataFrame:
    """One row for each customer who entered, left or moved, in the order of customer ids.

    Who is not scored counts as in lane ``none``: to enter or to leave that is no change.
    ``now`` and ``before.rows`` have ``churn_probability``, ``lane`` and ``lane_rule`` by
    customer id. ``events`` has, by customer id, ``events`` (text) and ``last_known_on`` of the
    rows that became known between the two nights; customers without any are not in it.
    """
    was, is_now = before.rows.add_suffix("_before"), now.add_suffix("_now")
    both = was.join(is_now, how="outer").sort_index()
    lanes = both[["lane_before", "lane_now"]].astype("str").fillna("none")
    moves = both[lanes["lane_before"].ne(lanes["lane_now"])].join(events)
    new, gone = moves["lane_before"].isna(), moves["lane_now"].isna()
    rows = moves.rename(columns={f"lane_rule_{at}": f"rule_{at}" for at in ("before", "now")})
    rows = rows.assign(
        run_id=stamp.run_id,
        as_of_date=pd.Timestamp(stamp.as_of),
        before_date=pd.Timestamp(before.as_of),
        customer_id=moves.index.astype("str"),
        change=np.select([new, gone], KINDS[:2], KINDS[2]),
        risk_change=moves["churn_probability_now"] - moves["churn_probability_before"],
        cause=_causes(moves, before.described, stamp),
        last_known_on=pd.to_datetime(moves["last_known_on"]),
    )
    return rows[[field.name for field in CHANGE_FIELDS]].reset_index(drop=True)


def _causes(moves: pd.DataFrame, before: Mapping[str, object], stamp: Stamp) -> list[str]:
    """What moved each customer; what decides over everybody counts where it is not what it was."""
    rules = moves[["lane_rule_before", "lane_rule_now"]]
    differ = rules["lane_rule_before"].fillna("").ne(rules["lane_rule_now"].fillna(""))
    hits = pd.DataFrame(
        {
            "event": moves["events"].notna(),
            "permission": rules.isin(BLOCK_REASONS).any(axis=1) & differ,
            **{cause: before.get(n, "") != stamp.identity[n] for cause, n in _DECIDES.items()},
            "others": rules.isin(_OF_OTHERS).any(axis=1),
        },
        moves.index,
    )
    hits["time"] = ~hits.any(axis=1)
    return [";".join(compress(CAUSES, row)) for row in hits[[*CAUSES]].to_numpy(dtype=bool)]
