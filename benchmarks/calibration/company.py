"""A simulated company, learned from once; later months as raw log-odds and what came of them."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from benchmarks import companies
from benchmarks.companies import FOLDER, demo_settings, simulated
from features.timeline import LabelWindow, month_starts
from models.boosters.hyperparameters import recipe_for
from models.calibration.open_windows import OpenWindowRows, current_status
from models.calibration.platt import Calibration
from models.calibration.shrinkage import monthly_swing
from models.churn.fit import fit
from models.dataset.array_types import Days, Floats, Index, Texts
from models.dataset.exposure import NEVER, days_after
from models.dataset.feature_spec import FeatureSpec
from pipelines.matrices.files import KEYS, read_matrix
from pipelines.training.examples import prepare_examples

MONTHS, LEARNED, THREADS = 50, 14, 1
TODAY = date(2026, 3, 1)
AS_OFS = month_starts(date(2023, 1, 1), date(2025, 11, 1))
FIRST = AS_OFS[LEARNED]
"""The day on which the company is learned from."""
_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Company:
    """Rows of every month, in order, all (n,), and what was learned before ``FIRST``.

    ``ended_after`` and ``cause`` are what came of a row in the end; a notice is known on its
    day. ``draw`` is each customer's number below 1,000, the same in every month.
    """

    customer_id: Texts
    as_of: Days
    product_line: Texts
    raw: Floats
    ended_after: Index
    cause: Texts
    draw: Index
    calibration: Calibration
    swing: float
    window: LabelWindow

    def seen(self, days: list[date], today: date, stays: float) -> OpenWindowRows:
        """The rows of as-of dates as known before ``today``; an open row's share is still 1.

        ``stays`` of those who leave from ``FIRST`` on are made stayers, the same ever.
        """
        first, last = (
            np.searchsorted(self.as_of, np.array(days, dtype="datetime64[D]"), side)
            for side in ("left", "right")
        )
        here = np.concatenate([np.arange(*ends) for ends in zip(first, last, strict=True)])
        passed = (np.datetime64(today) - self.as_of[here]).astype(np.int64)
        known = self.ended_after[here] < passed
        ended = np.where(known, self.ended_after[here], NEVER)
        y, out = current_status(ended, np.where(known, self.cause[here], ""), self.window)
        y[(self.draw[here] < 1_000 * stays) & (self.as_of[here] >= np.datetime64(FIRST))] = 0
        rows = self.customer_id[here], self.as_of[here], self.product_line[here], self.raw[here]
        return OpenWindowRows(*rows, y, np.ones(len(y))).take(~out)

    def closed(self, today: date) -> list[date]:
        """As-of dates whose label window is complete."""
        return [day for day in AS_OFS if self.window.complete(day, today)]

    def opened(self, today: date, stays: float) -> OpenWindowRows | None:
        """Rows of months whose window is open, with the shares of the twelve newest closed ones."""
        past, rows = self.closed(today)[-_A_YEAR:], None
        whole = sum(int(self.seen([day], TODAY, stays).y.sum()) for day in past)
        for day in [d for d in AS_OFS if d > past[-1] and self.window.start(d) < today]:
            passed = today - day
            then = sum(int(self.seen([each], each + passed, stays).y.sum()) for each in past)
            found = self.seen([day], today, stays)
            part = replace(found, share=np.full(len(found), then / whole))
            rows = part if rows is None else rows.append(part)
        return rows


def company(customers: int, seed: int) -> Company:
    """Simulate it once, build its matrix (kept by the matrix store), learn, and score each month.

    One booster is learned, as calibration is what is measured. Only the months that are learned
    from and one other are in memory at a time.
    """
    folder = FOLDER / "calibration" / f"{customers}-{seed}"
    settings = simulated(demo_settings(folder), customers=customers, months=MONTHS, seed=seed)
    whole = companies.Company(settings, TODAY)
    names = [feature.name for feature in whole.catalog.model_features]
    parts, columns = whole.matrix(AS_OFS, names, labelled=True), [*KEYS, *names]
    window = settings.label_window()
    learned = [part for day in AS_OFS if window.complete(day, FIRST) for part in parts[day]]
    train = prepare_examples(read_matrix(learned, columns), whole.catalog).examples
    model, _ = fit(train, recipe_for(len(train), 1, THREADS))
    swing, spec = monthly_swing(train.as_of, train.y), train.spec
    del train
    each = [_scored(read_matrix(parts[day], columns), spec, model.raw) for day in AS_OFS]
    customer_id, as_of, line, raw, ended_after, cause = map(np.concatenate, zip(*each, strict=True))
    draw = np.array([zlib.crc32(str(name).encode()) % 1_000 for name in customer_id])
    rows = customer_id, as_of, line, raw, ended_after, cause, draw
    return Company(*rows, model.calibration, swing, window)


def _scored(
    frame: pd.DataFrame, spec: FeatureSpec, raw: Callable[[np.ndarray, int], Floats]
) -> tuple[Texts, Days, Texts, Floats, Index, Texts]:
    as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
    return (
        frame["customer_id"].to_numpy(dtype=object),
        as_of,
        frame["product_line"].to_numpy(dtype=object),
        raw(spec.encode(frame), THREADS),
        days_after(as_of, frame["ended_on"]),
        frame["cause"].fillna("").to_numpy(dtype=object),
    )
