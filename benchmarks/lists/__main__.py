"""``python -m benchmarks.lists``: simulate, train, judge the lists, write ``docs/lists.md``."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lists import company, nights, pilot
from benchmarks.lists.causes import agreement, true_removals
from benchmarks.lists.deals import over_deals
from benchmarks.lists.page import page
from benchmarks.lists.truth import read_key, responses
from benchmarks.lists.turnover import turnover
from benchmarks.lists.worth import Worth, added
from models.arrays import Floats
from models.profit import Economics, changed_value
from pipelines.worth import customer_values, economics_of

PAGE = Path("docs/lists.md")
_PILOT_NIGHTS = 1
_HELD_OUT = 0.5
_EFFECT = "by effect from the pilot"


def main() -> None:
    """Judge every list on the same nights and write the page."""
    settings, scores = company.settings_of(), company.scores()
    economics = economics_of(settings)
    values = customer_values(settings, company.margins(scores).to_numpy(dtype=np.float64))
    if economics is None or values is None:
        raise SystemExit("the demo's configuration has no economics")
    days = settings.label.lead_days + settings.label.horizon_days
    folder = company.FOLDER / "data" / "truth"
    truth = responses(read_key(folder), scores, days)
    months = sorted(scores["as_of"].unique())
    rows = [np.flatnonzero(scores["as_of"].eq(month)) for month in months]
    spec = company.spec_of()
    tried = np.concatenate(rows[:_PILOT_NIGHTS])
    piloted = pilot.run(scores.iloc[tried], truth.iloc[tried], spec, _HELD_OUT)
    found: list[list[Worth]] = []
    places: dict[str, list[np.ndarray]] = {}
    for of_month in rows[_PILOT_NIGHTS:]:
        night, value = _part(scores, of_month), values[0][of_month]
        effect = _effect(night, piloted, value, economics, spec.encode(night))
        known = _part(truth, of_month)
        lists = nights.chosen(night, value, economics)
        found.append(nights.compared(lists, known, value, economics, {_EFFECT: effect}))
        for name, positions in lists.items():
            places.setdefault(name, []).append(of_month[positions])
    sums = [added(list(each)) for each in zip(*found, strict=True)]
    listed = {name: np.concatenate(parts) for name, parts in places.items()}
    dealt = over_deals(folder, scores, listed, values[0], economics, days)
    parts = [(_part(scores, r), _part(truth, r), values[0][r]) for r in rows]
    turns = turnover(*map(list, zip(*parts, strict=True)), economics)
    last = rows[-1]
    worth = pd.Series(values[0][last])
    real = true_removals(folder, _part(scores, last), worth, days)
    ranked = [(level, *agreement(company.causes(), real, level)) for level in ("family", "driver")]
    PAGE.write_text(page(sums, dealt, turns, [piloted], ranked), encoding="utf-8")
    print(f"Written: {PAGE}")


def _part(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return frame.iloc[rows].reset_index(drop=True)


def _effect(
    night: pd.DataFrame, piloted: pilot.Pilot, value: Floats, economics: Economics, x: np.ndarray
) -> Floats:
    p = night[company.PROBABILITY].to_numpy(dtype=np.float64)
    return changed_value(piloted.model.kept(x, p), value, economics)


if __name__ == "__main__":
    main()
