"""The champion beside the newly trained model, on rows that neither had learned from."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.arrays import Floats, Index
from models.profit import profit_gain
from models.realign import realign
from models.rivalry import Rival, log_loss_gain, top_overlap
from pipelines import tracking
from pipelines.settings import Settings
from pipelines.training.judged import Judged
from pipelines.worth import customer_values, economics_of

_FEWEST = 50


@dataclass(frozen=True, slots=True)
class _Shared:
    """Positions of judged rows and the champion's probabilities there."""

    rows: Index
    theirs: Floats


def rival_of(
    settings: Settings, judged: Judged, incumbent: tracking.Registered | None
) -> Rival | None:
    """The comparison with the champion; None without one, no rows where none can be made.

    Rows after the day on which the champion was trained are scored by the champion itself. When
    they hold fewer than 50 leavers or stayers, the test scores that its training kept are used,
    where both trainings tested the same customer on the same date.
    """
    if incumbent is None:
        return None
    spread = _spread(incumbent)
    tried: list[str] = []
    for shared in (
        _later(settings, judged, incumbent, tried),
        _kept(settings, judged, incumbent, tried),
    ):
        if shared is not None:
            return replace(_compared(settings, judged, shared), spread=spread)
    return Rival(spread=spread, why="; ".join(tried))


def _later(
    settings: Settings, judged: Judged, incumbent: tracking.Registered, tried: list[str]
) -> _Shared | None:
    known = incumbent.tags.get("known_before")
    if known is None:
        tried.append(f"{incumbent.label} does not say when it was trained")
        return None
    rows = np.flatnonzero(judged.test.as_of >= np.datetime64(known))
    if not _enough(judged, rows, tried, f"since {known}"):
        return None
    test = judged.test.take(rows)
    try:
        model = tracking.load(settings, incumbent)
        x = realign(test.x, test.spec, model.spec)
    except ModelError as error:
        tried.append(str(error))
        return None
    return _Shared(rows, model.probability(x, test.product_line))


def _kept(
    settings: Settings, judged: Judged, incumbent: tracking.Registered, tried: list[str]
) -> _Shared | None:
    folder = settings.paths.training / incumbent.tags.get("run", "")
    path = folder / "test_scores.parquet"
    if not path.is_file():
        tried.append(f"no test scores of {incumbent.label} are kept in {folder}")
        return None
    keys = ["customer_id", "as_of"]
    kept = pd.read_parquet(path, columns=[*keys, "label", "probability"])
    now = pd.DataFrame(
        {
            "customer_id": judged.test.customer_id.astype(str),
            "as_of": judged.test.as_of.astype("datetime64[s]"),
            "now": judged.test.y,
        }
    )
    both = now.merge(kept.drop_duplicates(keys), how="left", on=keys)
    rows = np.flatnonzero((both["label"] == both["now"]).to_numpy())
    if not _enough(judged, rows, tried, "tested by both trainings"):
        return None
    return _Shared(rows, both["probability"].to_numpy(dtype=np.float64)[rows])


def _enough(judged: Judged, rows: Index, tried: list[str], which: str) -> bool:
    left = int(judged.test.y[rows].sum())
    enough = min(left, len(rows) - left) >= _FEWEST
    if not enough:
        tried.append(f"of the rows {which}, {left} left and {len(rows) - left} stayed")
    return enough


def _compared(settings: Settings, judged: Judged, shared: _Shared) -> Rival:
    """Profit is compared at the low acquisition multiple, where a saved customer is worth least."""
    ours, y = judged.scores["model"][shared.rows], judged.test.y[shared.rows]
    customers, theirs = judged.test.customer_id[shared.rows], shared.theirs
    replicates = settings.training.bootstrap
    gain = log_loss_gain(y, ours, theirs, customers, replicates)
    found = Rival(len(y), gain, top_overlap(ours, theirs))
    economics = economics_of(settings)
    values = customer_values(settings, judged.test.margin[shared.rows])
    if economics is None or values is None:
        return found
    profit = profit_gain(y, ours, theirs, values[0], economics, customers, replicates)
    return replace(found, profit=profit)


def _spread(incumbent: tracking.Registered) -> dict[str, float] | None:
    try:
        noted = json.loads(incumbent.tags["families"])
        return {str(name): float(value) for name, value in noted.items()}
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
