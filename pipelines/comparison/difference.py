"""Differences of two logged runs: metrics, parameters, features and driver ranks.

Plain values, for the terminal, JSON and the page alike.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipelines.tracking.runs import Logged, plain_name

Better = Literal["A", "B", "same", ""]
_HIGHER = ("auc", "average_precision", "lift", "recall")
_LOWER = ("log_loss", "brier", "calibration_error")
_AIMS = {"calibration_slope": 1.0, "calibration_intercept": 0.0}
_DRIVERS = 12


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of both runs with its 95 % interval, if it was kept; ``better`` by the value."""

    name: str
    a: float | None
    b: float | None
    a_interval: tuple[float, float] | None
    b_interval: tuple[float, float] | None
    better: Better

    @property
    def difference(self) -> float | None:
        """B less A, when both have it."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True, slots=True)
class Difference:
    """Run B against run A; ``same_rows`` says whether both have the same test rows.

    ``parameters`` (name, a, b) are those that are not the same in both, ``ranks`` (driver, a, b)
    the drivers' places, 1 the strongest; None where a run does not have it. ``features`` are those
    ``added`` and ``removed``, which only one run has, and those ``changed`` in definition, kind or
    sign.
    """

    a: Logged
    b: Logged
    same_rows: bool
    metrics: tuple[Metric, ...]
    parameters: list[dict[str, str | None]]
    features: Mapping[str, tuple[str, ...]]
    ranks: list[dict[str, Any]]

    def to_data(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "a": {"label": self.a.label, "run_id": self.a.run_id},
            "b": {"label": self.b.label, "run_id": self.b.run_id},
            "same_test_rows": self.same_rows,
            "metrics": [asdict(m) | {"difference": m.difference} for m in self.metrics],
            "parameters": self.parameters,
            "features": dict(self.features),
            "drivers": self.ranks,
        }


def compare(a: Logged, b: Logged) -> Difference:
    """Everything that differs, A being the one that B is compared with."""
    keys = a.tags.get("test_key"), b.tags.get("test_key")
    return Difference(
        a=a,
        b=b,
        same_rows=keys[0] is not None and keys[0] == keys[1],
        metrics=_metrics(a, b),
        parameters=[
            {"name": name, "a": a.params.get(name), "b": b.params.get(name)}
            for name in sorted({*a.params, *b.params})
            if a.params.get(name) != b.params.get(name)
        ],
        features=_features(a, b),
        ranks=_ranks(a, b),
    )


def _metrics(a: Logged, b: Logged) -> tuple[Metric, ...]:
    bounds = _intervals(a), _intervals(b)
    ends = {f"{name}_{end}" for each in bounds for name in each for end in ("low", "high")}
    names = [name for name in dict.fromkeys([*a.metrics, *b.metrics]) if name not in ends]
    order = {name: place for place, name in enumerate(dict.fromkeys([*bounds[0], *bounds[1]]))}
    found = []
    for name in sorted(names, key=lambda name: (order.get(name, len(order)), name)):
        ours, theirs = a.metrics.get(name), b.metrics.get(name)
        intervals = bounds[0].get(name), bounds[1].get(name)
        found.append(Metric(name, ours, theirs, *intervals, _better(name, ours, theirs)))
    return tuple(found)


def _intervals(run: Logged) -> dict[str, tuple[float, float]]:
    card: Mapping[str, Any] = run.facts.get("scorecard.json", {}).get("model", {})
    return {plain_name(name): (each["low"], each["high"]) for name, each in card.items()}


def _better(name: str, a: float | None, b: float | None) -> Better:
    if a is None or b is None:
        return ""
    if name in _AIMS:
        a, b = -abs(a - _AIMS[name]), -abs(b - _AIMS[name])
    elif name in _LOWER:
        a, b = -a, -b
    elif not name.startswith(_HIGHER):
        return ""
    return "same" if a == b else "A" if a > b else "B"


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
