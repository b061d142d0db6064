"""Result of a training run, and its summary for the terminal and for Prefect.

Apart from the job, so that what shows it does not import what makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.markdown import markdown_table
from models.metrics.bootstrap import Interval
from models.promotion.verdict import Verdict
from pipelines.tracking import registry
from pipelines.training.evaluation import Evaluation
from pipelines.training.metrics import CARD_METRICS
from pipelines.training.recipe_comparison import RecipeTrials

_ROWS = (
    *CARD_METRICS,
    *(f"profit{of}_at_{end}_multiple" for end in ("low", "high") for of in ("", "_share")),
)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run left behind, for people and for the next step."""

    registered: registry.Registered
    verdict: Verdict
    evaluation: Evaluation
    folder: Path
    trials: RecipeTrials


def scorecard_rows(cards: Mapping[str, Mapping[str, Interval]]) -> list[list[str]]:
    """Metric, the model's value with its 95 % interval, and each baseline's value."""
    others = [name for name in cards if name != "model"]
    rows = []
    for metric in (name for name in _ROWS if name in cards["model"]):
        ours = cards["model"][metric]
        rows.append(
            [metric, f"{ours:.4f}", *(f"{cards[name][metric].value:.4f}" for name in others)]
        )
    return rows


def scorecard_header(cards: Mapping[str, Mapping[str, Interval]]) -> list[str]:
    """Column titles of ``scorecard_rows``."""
    return ["metric", "model (95 % interval)", *(name for name in cards if name != "model")]


def scorecard_markdown(trained: TrainingResult) -> str:
    """The scorecard, the decision and the strongest drivers as Markdown."""
    evaluation = trained.evaluation
    header = scorecard_header(evaluation.cards)
    lines = [f"# {trained.registered.label}", ""]
    lines += [f"Judged on {', '.join(evaluation.folds)}: {len(evaluation.test):,} rows.", ""]
    lines += markdown_table(header, scorecard_rows(evaluation.cards))
    lines += ["", "**Champion**" if trained.verdict.promote else "**Not champion**", ""]
    lines += [f"- {reason}" for reason in trained.verdict.reasons]
    lines += ["", "Strongest drivers (mean absolute contribution in log-odds):", ""]
    lines += [f"- {name}: {value:.3f}" for name, value in evaluation.drivers.head(8).items()]
    return "\n".join(lines)
