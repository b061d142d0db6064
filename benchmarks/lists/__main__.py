"""``python -m benchmarks.lists``: simulate, train, judge the lists, write ``docs/lists.md``."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lists import causes, company, nights, pilot
from benchmarks.lists.deals import deal_again, over_deals
from benchmarks.lists.page import Results, page
from benchmarks.lists.sleepers import by_days_of_silence
from benchmarks.lists.truth import read_key, responses
from benchmarks.lists.turnover import Nights, turnover
from benchmarks.lists.worth import Worth, added
from models.arrays import Floats, Index
from models.profit import Economics, changed_value
from pipelines.lists.lanes import Capacity
from pipelines.settings import Settings
from pipelines.worth import customer_values, economics_of

PAGE = Path("docs/lists.md")
_PILOT_NIGHTS = 1
_HELD_OUT = 0.5
_EFFECT = "by effect from the pilot"
_LENGTHS = (nights.MINUTES, nights.LONG_MINUTES)


def main() -> None:
    """Judge every list on the same nights and write the page."""
    settings, scores = company.settings_of(), company.scores()
    economics = economics_of(settings)
    values = customer_values(settings, company.margins(scores).to_numpy(dtype=np.float64))
    if economics is None or values is None:
        raise SystemExit("the demo's configuration has no economics")
    value = values[0]
    days = settings.label.lead_days + settings.label.horizon_days
    folder = company.FOLDER / "data" / "truth"
    truth = responses(read_key(folder), scores, days)
    months = sorted(scores["as_of"].unique())
    rows = [np.flatnonzero(scores["as_of"].eq(month)) for month in months]
    tried, judged = np.concatenate(rows[:_PILOT_NIGHTS]), np.concatenate(rows[_PILOT_NIGHTS:])
    piloted = pilot.run(scores.iloc[tried], truth.iloc[tried], company.spec_of(), _HELD_OUT)
    deals = deal_again(folder, scores, value, economics, days)
    later = [each.of(judged) for each in deals]
    brought = np.mean([each.brought for each in deals], axis=0)
    followed = Nights(
        [_part(scores, r) for r in rows],
        [truth["alone"].to_numpy(dtype=np.float64)[r] for r in rows],
        [brought[r] for r in rows],
    )
    last, removed = rows[-1], company.causes()
    found = Results(
        lists=_one_deal(settings, scores, truth, value, economics, piloted, rows),
        dealt={
            minutes: over_deals(deals, _listed(settings, scores, value, economics, rows, minutes))
            for minutes in _LENGTHS
        },
        sleepers=[
            each
            for minutes in _LENGTHS
            for each in by_days_of_silence(settings, _part(scores, judged), later, minutes)
        ],
        turns=turnover(settings, followed, _LENGTHS),
        pilots=[piloted],
        ranked=causes.ranked(
            removed,
            causes.true_removals(
                folder,
                _part(scores, last),
                pd.Series(value[last]),
                days,
                causes.drivers_of(removed),
            ),
            float((truth["alone"].to_numpy(dtype=np.float64) * value)[last].sum()),
        ),
        stays=Capacity(0).stays,
    )
    PAGE.write_text(page(found), encoding="utf-8")
    print(f"Written: {PAGE}")


def _one_deal(
    settings: Settings,
    scores: pd.DataFrame,
    truth: pd.DataFrame,
    value: Floats,
    economics: Economics,
    piloted: pilot.Pilot,
    rows: list[Index],
) -> list[Worth]:
    spec = company.spec_of()
    found: list[list[Worth]] = []
    for of_month in rows[_PILOT_NIGHTS:]:
        night, worth = _part(scores, of_month), value[of_month]
        effect = _effect(night, piloted, worth, economics, spec.encode(night))
        lists = nights.chosen(settings, night, worth, economics, nights.MINUTES)
        known = _part(truth, of_month)
        found.append(nights.compared(lists, known, worth, economics, {_EFFECT: effect}))
    return [added(list(each)) for each in zip(*found, strict=True)]


def _listed(
    settings: Settings,
    scores: pd.DataFrame,
    value: Floats,
    economics: Economics,
    rows: list[Index],
    minutes: float,
) -> dict[str, Index]:
    """Each list's positions in ``scores`` over all nights but the pilot's."""
    parts: dict[str, list[Index]] = {}
    for of_month in rows[_PILOT_NIGHTS:]:
        night = _part(scores, of_month)
        lists = nights.chosen(settings, night, value[of_month], economics, minutes)
        for name, positions in lists.items():
            parts.setdefault(name, []).append(of_month[positions])
    return {name: np.concatenate(each) for name, each in parts.items()}


def _part(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return frame.iloc[rows].reset_index(drop=True)


def _effect(
    night: pd.DataFrame, piloted: pilot.Pilot, value: Floats, economics: Economics, x: np.ndarray
) -> Floats:
    p = night[company.PROBABILITY].to_numpy(dtype=np.float64)
    return changed_value(piloted.model.kept(x, p), value, economics)


if __name__ == "__main__":
    main()
