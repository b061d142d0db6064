"""The level error of a calibration that is kept, and of one that is refitted each month."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from benchmarks import markdown
from benchmarks.calibration.company import AS_OFS, LEARNED, TODAY, Company
from features.errors import GateError
from models.calibration.open_windows import OpenWindowRows
from models.calibration.platt import Calibration
from models.calibration.recalibration import recalibrate

COURSES = {"four of ten leavers stay": 0.4, "two of ten leavers stay": 0.2, "as simulated": 0.0}


@dataclass(frozen=True, slots=True)
class Month:
    """One month's rows in the end, and the calibration that stood on its first day."""

    day: date
    rows: OpenWindowRows
    calibration: Calibration

    @property
    def level_error(self) -> float:
        """|observed − predicted|, as a share."""
        p = self.calibration.apply(self.rows.raw, self.rows.product_line)
        return abs(float(self.rows.y.mean() - p.mean()))


def kept(company: Company, stays: float) -> Iterator[Month]:
    """Each later month with the calibration of the training."""
    closed, learned = company.closed(TODAY), company.closed(AS_OFS[LEARNED])
    for day in AS_OFS[LEARNED:]:
        if day in closed and len(company.closed(day)) > len(learned) + 1:
            yield Month(day, company.seen([day], TODAY, stays), company.calibration)


def refitted(company: Company, stays: float, *, open_months: bool) -> Iterator[Month]:
    """The same with the calibration refitted on each first day, on what was known by then."""
    now, learned = company.calibration, company.closed(AS_OFS[LEARNED])
    for month in kept(company, stays):
        newer = [day for day in company.closed(month.day) if day not in learned]
        complete = company.seen(newer, month.day, stays)
        rows = company.opened(month.day, stays) if open_months else None
        try:
            new = recalibrate(now, complete, company.swing, rows)
            now = now if new.failed else new.calibration
        except GateError as error:
            print(f"{month.day}: {error}")
        yield replace(month, calibration=now)


def table(companies: Sequence[Company]) -> str:
    """Mean level errors by course over the companies, as a Markdown table."""
    rows = []
    for name, stays in COURSES.items():
        errors = np.transpose([_errors(each, stays) for each in companies])
        before, _, after = errors
        parts = ", ".join(f"{part:.2f}" for part in after / before)
        means = (f"{way.mean():.2%}" for way in errors)
        rows.append((name, *means, f"{(after / before).mean():.2f}: {parts}"))
    header = " | kept | refitted on complete months | refitted | of kept, by company"
    return markdown.table(header, rows)


def _errors(company: Company, stays: float) -> list[float]:
    """Mean level error of each way: kept, refitted on complete months, and on all."""
    again = (refitted(company, stays, open_months=months) for months in (False, True))
    ways = (kept(company, stays), *again)
    return [float(np.mean([month.level_error for month in way])) for way in ways]
