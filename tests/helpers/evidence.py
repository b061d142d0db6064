"""Evidence of a good challenger beside a champion, for the promotion rules."""

from models.metrics.bootstrap import Interval
from models.promotion.evidence import (
    BaselineComparison,
    ChallengerEvidence,
    ChampionComparison,
)

CARD = {
    "auc": Interval(0.70, 0.65, 0.75),
    "log_loss": Interval(0.10, 0.09, 0.11),
    "calibration_slope": Interval(1.0, 0.9, 1.1),
    "calibration_intercept": Interval(0.1, -0.1, 0.3),
}
RIVAL = ChampionComparison(
    "churn/1",
    1_000,
    300,
    Interval(0.001, -0.001, 0.003),
    worth=0.1,
    overlap=0.8,
    spread={"price": 0.3, "channel": 0.1},
)
LOGISTIC = BaselineComparison(
    "logistic", "log loss", 0.10, 0.101, Interval(0.001, -0.001, 0.003), 0.0005
)
GOOD = ChallengerEvidence(
    card=CARD,
    slopes={"power": Interval(1.1, 0.9, 1.3), "broadband": Interval(0.9, 0.8, 1.0)},
    base_log_loss=0.12,
    own_gain=Interval(0.01, 0.005, 0.015),
    weakest_seed=0.9,
    same_features=True,
    spread={"price": 0.3, "channel": 0.1},
    leak=None,
    rival=RIVAL,
    baselines=(LOGISTIC,),
)
