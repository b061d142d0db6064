"""docs/benchmark.md from what has been measured; a part that is not measured says so."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks import markdown
from benchmarks.models.keeping import Row

Results = Mapping[str, Mapping[str, Any]]
_GAIN, _LOSS = 0.010, 0.001


def page(results: Results) -> str:
    """The whole page as Markdown."""
    contests = {name: found.get("contest") for name, found in results.items()}
    gaps = [_gaps(name, rows) for name, rows in contests.items() if rows]
    ranked = sorted(gaps, key=lambda gap: -gap["auc"][0])
    return markdown.page(
        "models.md",
        contests=contests,
        parts=partial(_parts, results),
        gaps=gaps,
        gain=_GAIN,
        loss=_LOSS,
        reached=sum(gap["auc"][0] >= _GAIN for gap in gaps),
        second=ranked[1] if ranked[1:] else None,
        never=bool(gaps) and all(gap["auc"][0] >= -_LOSS for gap in gaps),
        lossless=bool(gaps) and all(gap["loss"][0] <= 0 for gap in gaps),
        near=bool(gaps) and all(gap["behind"][2] >= 0 for gap in gaps),
    )


def _gaps(name: str, rows: Sequence[Row]) -> Row:
    """How the recipe differs from LightGBM's defaults and from the best, [value, low, high]."""
    base = next(row for row in rows if row["rival"] == "LightGBM defaults")
    best = max(rows, key=lambda row: row["auc"])
    behind = best.get("auc_difference", [0.0, 0.0, 0.0])
    auc, loss = base["auc_difference"], base["log_loss_difference"]
    return {"set": name, "auc": auc, "loss": loss, "behind": behind}


def _parts(results: Results, part: str) -> list[Row]:
    """A measured part of every set that has it."""
    return [{"set": name, **found[part]} for name, found in results.items() if found.get(part)]
