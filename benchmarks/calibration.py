"""``python -m benchmarks.calibration``: what a monthly recalibration is worth.

A simulated company is learned from once, on what was known in its fifteenth month of labels.
From then on the calibration is kept, or refitted every month on what was known by then. Three
courses of the level are judged: as simulated, with a season and happenings but no lasting
change, and with four, or two, of ten leavers made stayers from the fifteenth month on.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import yaml

from features.errors import GateError
from features.timeline import LabelWindow
from models.arrays import Floats, Mask
from models.calibration import Calibration
from models.classifier import fit
from models.examples import Examples
from models.logit import fit_line
from models.recalibration import recalibrate
from models.recipe import recipe_for
from models.swing import monthly_swing
from pipelines.demo.simulate import simulate
from pipelines.record import RunRecord
from pipelines.settings import load_settings
from pipelines.snapshots.tables import read_tables
from pipelines.train import make_examples
from pipelines.training.evaluation import label_window

FOLDER = Path("var/bench/calibration")
CUSTOMERS, MONTHS, SEED, LEARNED = 6_000, 50, 7, 14
TODAY = date(2026, 3, 1)
COURSES = {"as simulated": 0.0, "four of ten leavers stay": 0.4, "two of ten leavers stay": 0.2}
_FEWEST_OF_A_LINE = 50


@dataclass(frozen=True, slots=True)
class Followed:
    """Level errors |observed − predicted| by month, and slopes by month and product line."""

    errors: list[float]
    slopes: list[float]


def company() -> tuple[Examples, LabelWindow]:
    """Simulate the company once and build its labelled matrix."""
    if not (FOLDER / "data").exists():
        simulate(FOLDER / "data", customers=CUSTOMERS, months=MONTHS, seed=SEED)
    document = yaml.safe_load(Path("configs/demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(FOLDER / name) for name in ("data", "var", "out")}
    Path(FOLDER, "config.yaml").write_text(yaml.safe_dump(document), "utf-8")
    settings = load_settings(FOLDER / "config.yaml")
    record = RunRecord("bench", "bench", "")
    snapshot = read_tables(settings, TODAY, record)
    return make_examples(settings, snapshot, TODAY, record).examples, label_window(settings)


def thinned(examples: Examples, share: float, first: np.datetime64) -> Examples:
    """``share`` of the customers who leave from ``first`` on are made stayers, the same ever."""
    draw = np.array([zlib.crc32(str(name).encode()) % 1_000 for name in examples.customer_id])
    stays = (draw < 1_000 * share) & (examples.as_of >= first)
    return replace(examples, y=np.where(stays, 0, examples.y).astype(np.int8))


def follow(
    start: Calibration, raw: Floats, examples: Examples, known: list[Mask], swing: float | None
) -> Followed:
    """Judge each month with what was ``known`` by then; without a ``swing`` nothing is refitted."""
    now, found = start, Followed([], [])
    for month, before in zip(np.unique(examples.as_of)[-len(known) :], known, strict=True):
        if swing is not None:
            try:
                new = recalibrate(now, raw[before], examples.take(before), swing)
                now = now if new.check.failed else new.calibration
            except GateError as error:
                print(f"{month}: {error}")
        for name, here in lines_of(examples, examples.as_of == month):
            y, z = examples.y[here], now.log_odds(raw[here], examples.product_line[here])
            if name is None:
                found.errors.append(abs(float(y.mean() - (1 / (1 + np.exp(-z))).mean())))
            elif y.sum() >= _FEWEST_OF_A_LINE:
                found.slopes.append(fit_line(z, y.astype(np.float64))[1])
    return found


def lines_of(examples: Examples, rows: Mask) -> Iterator[tuple[str | None, Mask]]:
    """All rows, as None, and those of each product line."""
    yield None, rows
    for name in np.unique(examples.product_line.astype(str)):
        yield str(name), rows & (examples.product_line == name)


def main() -> None:
    """Fit once, follow each course in three ways, print a Markdown table."""
    examples, window = company()
    dates = np.unique(examples.as_of)
    first = dates[LEARNED]

    def complete(day: np.datetime64) -> Mask:
        closed = [d for d in dates if window.complete(d.item(), day.item())]
        return np.isin(examples.as_of, closed)

    learned = complete(first)
    train = examples.take(learned)
    model, _ = fit(train, window, recipe_for(len(train), 3, 1))
    raw, swing = model.raw(examples.x, 1), monthly_swing(train.as_of, train.y)
    known = [complete(day) & ~learned for day in dates[LEARNED:]]
    known = [rows for rows in known if len(np.unique(examples.as_of[rows])) > 1]
    print(f"Learned from {len(train):,} rows, swing {swing:.3f}; {len(known)} months judged.\n")
    print("| | kept | refitted, swing 0 | refitted | slopes within 0.9 to 1.1 |")
    print("|---|---|---|---|---|")
    for name, share in COURSES.items():
        course = thinned(examples, share, first)
        ways = [follow(model.calibration, raw, course, known, s) for s in (None, 0.0, swing)]
        errors = " | ".join(f"{np.mean(way.errors):.2%}" for way in ways)
        near = sum(0.9 <= slope <= 1.1 for slope in ways[-1].slopes)
        print(f"| {name} | {errors} | {near} of {len(ways[-1].slopes)} |")


if __name__ == "__main__":
    main()
