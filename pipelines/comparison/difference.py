"""Differences of two logged runs: metrics, parameters, features and driver ranks.

Plain values, for the terminal, JSON and the page alike: one offline file, without scripts, so that
it can be sent to whoever decides on a model.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from models.metrics.bootstrap import Interval, Rows
from models.metrics.scorecard import AIMS, differences
from pipelines.config.settings import Settings
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.escaping import page_template
from pipelines.tracking.runs import Logged, find_logged, plain_name

Better = Literal["A", "B", "no difference", ""]
_LOWER = ("log_loss", "brier", *AIMS)
_DRIVERS = 12
_SCORES = "test_scores.parquet"
_ROW = ["customer_id", "as_of", "label"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of both runs with its 95 % interval, if it was kept.

    ``paired`` is the interval of B less A on the same rows, of a slope or intercept of the
    distances from 1 or 0; ``better`` is empty without it, and "no difference" where it covers 0.
    """

    name: str
    a: float | None
    b: float | None
    a_interval: tuple[float, float] | None
    b_interval: tuple[float, float] | None
    paired: tuple[float, float] | None
    better: Better

    @property
    def difference(self) -> float | None:
        """B less A, when both have it, of what ``paired`` is of."""
        if self.a is None or self.b is None:
            return None
        aim = AIMS.get(self.name)
        return self.b - self.a if aim is None else abs(self.b - aim) - abs(self.a - aim)


@dataclass(frozen=True, slots=True)
class Difference:
    """Run B against run A; ``same_rows`` says whether both have the same test rows.

    ``unpaired`` says why the metrics have no paired intervals, empty where they have.
    ``parameters`` (name, a, b) are those that are not the same in both, ``ranks`` (driver, a, b)
    the drivers' places, 1 the strongest; None where a run does not have it. ``features`` are those
    ``added`` and ``removed``, which only one run has, and those ``changed`` in definition, kind or
    sign.
    """

    a: Logged
    b: Logged
    same_rows: bool
    unpaired: str
    metrics: tuple[Metric, ...]
    parameters: list[dict[str, str | None]]
    features: Mapping[str, tuple[str, ...]]
    ranks: list[dict[str, Any]]

    def to_data(self) -> dict[str, Any]:
        return {
            "a": {"label": self.a.label, "run_id": self.a.run_id},
            "b": {"label": self.b.label, "run_id": self.b.run_id},
            "same_test_rows": self.same_rows,
            "unpaired": self.unpaired,
            "metrics": [asdict(m) | {"difference": m.difference} for m in self.metrics],
            "parameters": self.parameters,
            "features": dict(self.features),
            "drivers": self.ranks,
        }


def compare_runs(settings: Settings, a: str, b: str) -> Difference:
    """``compare`` of two runs, each a run id, a version's number or an alias.

    Differences are paired where the test scores of both are still in ``paths.training``. Raises
    as ``find_logged`` does.
    """
    both, scores = [find_logged(settings, name) for name in (a, b)], []
    for logged in both:
        path = settings.paths.training / logged.tags.get("run", "") / _SCORES
        scores += [pd.read_parquet(path)] if path.is_file() else []
    return compare(both[0], both[1], *scores)


def compare(a: Logged, b: Logged, *scores: pd.DataFrame) -> Difference:
    """Everything that differs, A being the one that B is compared with.

    ``scores`` are those of A and B on their test rows, in the order of these: customer_id, as_of,
    label and probability.
    """
    keys = a.tags.get("test_key"), b.tags.get("test_key")
    same, paired, unpaired = keys[0] is not None and keys[0] == keys[1], {}, ""
    if not same:
        unpaired = "they were judged on different test rows"
    elif len(scores) < 2 or not scores[0][_ROW].equals(scores[1][_ROW]):
        unpaired = "the scores of the test rows are not kept of both"
    else:
        paired = _paired(*scores)
    return Difference(
        a=a,
        b=b,
        same_rows=same,
        unpaired=unpaired,
        metrics=_metrics(a, b, paired),
        parameters=[
            {"name": name, "a": a.params.get(name), "b": b.params.get(name)}
            for name in sorted({*a.params, *b.params})
            if a.params.get(name) != b.params.get(name)
        ],
        features=_features(a, b),
        ranks=_ranks(a, b),
    )


def _paired(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, Interval]:
    """B less A of each metric, by the name it has in a run."""
    rows = Rows(a["customer_id"].to_numpy(dtype=object), a["label"].to_numpy(dtype="int8"))
    scores = (each["probability"].to_numpy(dtype="float64") for each in (a, b))
    return {plain_name(name): each for name, each in differences(rows, *scores).items()}


def _metrics(a: Logged, b: Logged, paired: Mapping[str, Interval]) -> tuple[Metric, ...]:
    bounds = _intervals(a), _intervals(b)
    bound_names = {f"{name}_{end}" for each in bounds for name in each for end in ("low", "high")}
    names = [name for name in dict.fromkeys([*a.metrics, *b.metrics]) if name not in bound_names]
    order = {name: place for place, name in enumerate(dict.fromkeys([*bounds[0], *bounds[1]]))}
    found = []
    for name in sorted(names, key=lambda name: (order.get(name, len(order)), name)):
        ours, theirs = a.metrics.get(name), b.metrics.get(name)
        intervals, change = (bounds[0].get(name), bounds[1].get(name)), paired.get(name)
        ends = None if change is None else (change.low, change.high)
        found.append(Metric(name, ours, theirs, *intervals, ends, _better(name, change)))
    return tuple(found)


def _intervals(run: Logged) -> dict[str, tuple[float, float]]:
    card: Mapping[str, Any] = run.facts.get("scorecard.json", {}).get("model", {})
    return {plain_name(name): (each["low"], each["high"]) for name, each in card.items()}


def _better(name: str, change: Interval | None) -> Better:
    if change is None:
        return ""
    if change.low <= 0 <= change.high:
        return "no difference"
    return "B" if (change.value > 0) != name.startswith(_LOWER) else "A"


def _features(a: Logged, b: Logged) -> dict[str, tuple[str, ...]]:
    ours, theirs = _columns(a), _columns(b)
    changed = {name for name in ours.keys() & theirs if ours[name] != theirs[name]}
    found = {"added": theirs.keys() - ours, "removed": ours.keys() - theirs, "changed": changed}
    return {what: tuple(sorted(names)) for what, names in found.items()}


def _columns(run: Logged) -> dict[str, tuple[object, ...]]:
    rows = run.facts.get("feature_spec.json", {}).get("columns", ())
    kept = ("kind", "definition", "sign", "driver", "family")
    return {row["name"]: tuple(row.get(key) for key in kept) for row in rows}


def _ranks(a: Logged, b: Logged) -> list[dict[str, Any]]:
    strengths: list[Mapping[str, float]] = [r.facts.get("drivers.json", {}) for r in (a, b)]
    ranked = (sorted(each, key=lambda name: (-each[name], name)) for each in strengths)
    places = [{name: place for place, name in enumerate(names, start=1)} for names in ranked]
    shown = dict.fromkeys(n for place in places for n in list(place)[:_DRIVERS])
    ranks = [{"driver": n, "a": places[0].get(n), "b": places[1].get(n)} for n in shown]
    last = len(places[0]) + len(places[1])
    return sorted(ranks, key=lambda rank: (rank["b"] or last, rank["a"] or last))


_HEAD_TAGS = ("known_before", "judged_on", "code_version", "leak_warning")


def write_page(folder: Path, difference: Difference) -> Path:
    """Write the page, named by both runs; raises ``PublicationError`` when the disk refuses."""
    names = (re.sub(r"[^A-Za-z0-9]+", "-", run.label) for run in (difference.a, difference.b))
    path = folder / f"{'-and-'.join(names)}.html"
    write_file(path, render(difference).encode())
    return path


def render(difference: Difference) -> str:
    """The page as HTML. Every value is escaped."""
    pictures = [
        (f"{letter}: {name}", b64encode(run.pictures[name]).decode())
        for name in difference.a.pictures
        for letter, run in (("A", difference.a), ("B", difference.b))
        if name in run.pictures
    ]
    return page_template("compare.html").render(
        difference=difference, verdict=_verdict(difference), tags=_HEAD_TAGS, pictures=pictures
    )


def _verdict(difference: Difference) -> str:
    loss = next((m for m in difference.metrics if m.name == "log_loss"), None)
    if loss is None or loss.a is None or loss.b is None:
        return "The runs have no log loss in common."
    values = f"log loss {loss.a:.5f} of A and {loss.b:.5f} of B"
    if loss.paired is None or loss.difference is None:
        return f"Which is better is not known, as {difference.unpaired}: {values}."
    found = "no difference" if loss.better == "no difference" else f"{loss.better} is better"
    change = "B − A {:+.5f} ({:+.5f} to {:+.5f})".format(loss.difference, *loss.paired)
    return f"On the same test rows {found}: {values}, {change}."
