"""``python -m benchmarks.lists``: simulate, train, judge the lists, write ``docs/lists.md``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lists import causes, company, nights, pilot
from benchmarks.lists.deals import Deal, deal_again, over_deals
from benchmarks.lists.page import Results, page
from benchmarks.lists.sleepers import by_days_of_silence
from benchmarks.lists.truth import foreseeable, read_key, responses
from benchmarks.lists.turnover import FORGETS, STAYS, Nights, Turnover, turnover
from benchmarks.lists.worth import Worth, added
from models.dataset.array_types import Floats, Index
from models.metrics.profit import Economics, uplift_value
from pipelines.config.economics import customer_values, economics_of
from pipelines.config.settings import Settings
from pipelines.lists.lanes import Capacity

PAGE = Path("docs/lists.md")
_PILOT_NIGHTS = 1
_HELD_OUT = 0.5
_EFFECT = "by effect from the pilot"
_LENGTHS = (nights.MINUTES, nights.LONG_MINUTES)


def main() -> None:
    """Judge every list on the same nights and write the page."""
    data = _read(company.SEED)
    deals = data.deals()
    rows = np.concatenate(data.rows[_PILOT_NIGHTS:])
    later = [each.of(rows) for each in deals]
    piloted = _piloted(data)
    found = Results(
        lists=_one_deal(data, piloted),
        dealt={minutes: over_deals(deals, _listed(data, minutes)) for minutes in _LENGTHS},
        sleepers=[
            each
            for minutes in _LENGTHS
            for each in by_days_of_silence(data.settings, _part(data.scores, rows), later, minutes)
        ],
        turns=_turns(data, deals),
        by_rule=_turns_by_rule(data, deals),
        pilots=[piloted],
        ranked=_ranked(data),
        stays=Capacity(0).stays,
    )
    PAGE.write_text(page(found), encoding="utf-8")
    print(f"Written: {PAGE}")


@dataclass(frozen=True, slots=True)
class _Data:
    """All scored rows with their truth and values; ``rows`` are the positions of each night.

    ``key`` is the folder of the company's answer key, ``days`` lead and horizon together.
    """

    key: Path
    settings: Settings
    scores: pd.DataFrame
    truth: pd.DataFrame
    value: Floats
    economics: Economics
    days: int
    rows: list[Index]

    @property
    def alone(self) -> Floats:
        return self.truth["alone"].to_numpy(dtype=np.float64)

    def deals(self) -> list[Deal]:
        return deal_again(self.key, self.scores, self.value, self.economics, self.days)

    def nights(self, deals: Sequence[Deal]) -> Nights:
        brought = np.mean([each.brought for each in deals], axis=0)
        return Nights(
            [_part(self.scores, rows) for rows in self.rows],
            [self.alone[rows] for rows in self.rows],
            [brought[rows] for rows in self.rows],
        )


def _read(seed: int) -> _Data:
    folder = company.folder_of(seed)
    key, settings = folder / "data" / "truth", company.settings_of(folder)
    scores = company.scores(folder, seed)
    economics = economics_of(settings.economics)
    values = customer_values(settings, np.asarray(company.margins(scores), dtype=np.float64))
    if economics is None or values is None:
        raise SystemExit("the demo's configuration has no economics")
    days = settings.label.lead_days + settings.label.horizon_days
    truth = responses(read_key(key), scores, days)
    rows = [np.flatnonzero(scores["as_of"].eq(day)) for day in sorted(scores["as_of"].unique())]
    return _Data(key, settings, scores, truth, values[0], economics, days, rows)


def _piloted(data: _Data) -> pilot.Pilot:
    rows = np.concatenate(data.rows[:_PILOT_NIGHTS])
    spec = company.spec_of()
    return pilot.run(data.scores.iloc[rows], data.truth.iloc[rows], spec, _HELD_OUT)


def _one_deal(data: _Data, piloted: pilot.Pilot) -> list[Worth]:
    spec = company.spec_of()
    months: list[list[Worth]] = []
    for rows, night, lists in _later_nights(data, nights.MINUTES):
        value = data.value[rows]
        effect = _effect(night, piloted, value, data.economics, spec.encode(night))
        truth = _part(data.truth, rows)
        months.append(nights.compared(lists, truth, value, data.economics, {_EFFECT: effect}))
    return [added(list(each)) for each in zip(*months, strict=True)]


def _listed(data: _Data, minutes: float) -> dict[str, Index]:
    """Each list's positions in the scores over all nights but the pilot's."""
    parts: dict[str, list[Index]] = {}
    for rows, _, lists in _later_nights(data, minutes):
        for name, positions in lists.items():
            parts.setdefault(name, []).append(rows[positions])
    return {name: np.concatenate(each) for name, each in parts.items()}


def _later_nights(
    data: _Data, minutes: float
) -> Iterator[tuple[Index, pd.DataFrame, dict[str, Index]]]:
    """Positions, rows and lists of each night but the pilot's."""
    for rows in data.rows[_PILOT_NIGHTS:]:
        night = _part(data.scores, rows)
        lists = nights.chosen(data.settings, night, data.value[rows], data.economics, minutes)
        yield rows, night, lists


def _turns(data: _Data, deals: Sequence[Deal]) -> list[Turnover]:
    others = (_read(seed) for seed in company.MORE_SEEDS)
    companies = [data.nights(deals), *(other.nights(other.deals()) for other in others)]
    return turnover(data.settings, companies, _LENGTHS)


def _turns_by_rule(data: _Data, deals: Sequence[Deal]) -> list[Turnover]:
    chances = foreseeable(data.key, data.scores, data.days)
    ranked = data.nights(deals).ranked_by([chances[rows] for rows in data.rows])
    return turnover(data.settings, [ranked], _LENGTHS, (FORGETS, Capacity(0).stays, min(STAYS)))


def _ranked(data: _Data) -> causes.Ranked:
    last, removed = data.rows[-1], company.causes()
    drivers = causes.drivers_of(removed)
    worth = pd.Series(data.value[last])
    real = causes.true_removals(data.key, _part(data.scores, last), worth, data.days, drivers)
    return causes.ranked(removed, real, float((data.alone * data.value)[last].sum()))


def _part(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return frame.iloc[rows].reset_index(drop=True)


def _effect(
    night: pd.DataFrame, piloted: pilot.Pilot, value: Floats, economics: Economics, x: np.ndarray
) -> Floats:
    p = night[company.PROBABILITY].to_numpy(dtype=np.float64)
    return uplift_value(piloted.model.effect(x, p), value, economics)


if __name__ == "__main__":
    main()
