"""What removing each cause would be worth by the truth, and whether the model ranks them so."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from features.catalog import build_catalog
from features.tables import TABLES

_MONTH_DAYS = 365 / 12


def true_removals(
    truth: Path, rows: pd.DataFrame, value: "pd.Series[float]", days: int
) -> pd.DataFrame:
    """Columns level, name, value: of every driver and family whose share raises somebody's risk.

    ``rows`` has customer_id and the one as_of; ``value`` runs parallel. The hazard of the month
    that begins then is taken to last ``days``; without the driver its share is taken off where it
    raises.
    """
    hazards = pd.read_parquet(truth / "hazard.parquet")
    now = hazards[pd.to_datetime(hazards["month"]).eq(rows["as_of"].iloc[0])]
    now = now.set_index("customer_id").reindex(rows["customer_id"])
    shares = now.filter(regex="^share_").rename(columns=lambda name: name.removeprefix("share_"))
    families = {f.driver: f.family for f in build_catalog(TABLES).model_features}
    raised = shares[[name for name in shares.columns if name in families]].clip(lower=0)
    by_family = raised.T.groupby([families[name] for name in raised.columns]).sum().T
    log_odds, worth = now["log_odds"].to_numpy(), value.to_numpy()
    found = []
    for level, groups in (("family", by_family), ("driver", raised)):
        for name in groups.columns:
            fell = _chance(log_odds, days) - _chance(log_odds - groups[name].to_numpy(), days)
            found.append((level, str(name), float(np.nansum(fell * worth))))
    return pd.DataFrame(found, columns=["level", "name", "value"])


def agreement(ours: pd.DataFrame, truth: pd.DataFrame, level: str) -> tuple[float, int]:
    """Spearman's correlation of the values of one level, and of how many causes."""
    both = ours[ours["level"].eq(level)].merge(truth[truth["level"].eq(level)], on="name")
    return float(spearmanr(both["value_x"], both["value_y"]).statistic), len(both)


def _chance(log_odds: np.ndarray, days: int) -> np.ndarray:
    return 1 - (1 - 1 / (1 + np.exp(-log_odds))) ** (days / _MONTH_DAYS)
