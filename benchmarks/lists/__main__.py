"""``python -m benchmarks.lists``: simulate, train, judge the lists, write ``docs/lists.md``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lists import causes, nights, pilot
from benchmarks.lists.company import MORE_SEEDS, PROBABILITY, Company, part
from benchmarks.lists.deals import Deal, deal_again, over_deals
from benchmarks.lists.page import Results, page
from benchmarks.lists.sleepers import by_days_of_silence
from benchmarks.lists.truth import foreseeable
from benchmarks.lists.turnover import FORGETS, STAYS, Nights, Turnover, turnover
from benchmarks.lists.worth import Worth, combined
from models.dataset.array_types import Index
from models.metrics.profit import expected_value, uplift_value
from pipelines.lists.lanes import Capacity

PAGE = Path("docs/lists.md")
_PILOT_NIGHTS = 1
_HELD_OUT = 0.5
_EFFECT = "by effect from the pilot"
_LENGTHS = (nights.MINUTES, nights.LONG_MINUTES)


def main() -> None:
    """Judge every list on the same nights and write the page."""
    data = Company()
    deals = deal_again(data)
    first = np.concatenate(data.rows[:_PILOT_NIGHTS])
    rows = np.concatenate(data.rows[_PILOT_NIGHTS:])
    later, scores = [each.of(rows) for each in deals], part(data.scores, rows)
    piloted = pilot.run(
        data.scores.iloc[first],
        data.truth.iloc[first],
        data.spec,
        _HELD_OUT,
        data.value[first],
        data.economics,
    )
    found = Results(
        lists=_one_deal(data, piloted),
        dealt={minutes: over_deals(deals, _listed(data, minutes)) for minutes in _LENGTHS},
        sleepers=[
            each
            for minutes in _LENGTHS
            for each in by_days_of_silence(data.settings, scores, later, minutes)
        ],
        turns=_turns(data, deals),
        by_rule=_turns_by_rule(data, deals),
        pilots=[piloted],
        ranked=_ranked(data),
        stays=Capacity(0).stays,
    )
    PAGE.write_text(page(found), encoding="utf-8")
    print(f"Written: {PAGE}")


def _one_deal(data: Company, piloted: pilot.Pilot) -> list[Worth]:
    months: list[list[Worth]] = []
    for rows, night, lists in _later_nights(data, nights.MINUTES):
        value, p = data.value[rows], night[PROBABILITY].to_numpy(dtype=np.float64)
        line = night["product_line"].to_numpy(dtype=object)
        effect = piloted.model.effect(data.spec.encode(night), p, line)
        by_effect = uplift_value(effect, value, data.economics, 1 - p)
        usual = expected_value(p, value, data.economics)
        score = {_EFFECT: np.where(np.isnan(effect), usual, by_effect)}
        truth = part(data.truth, rows)
        months.append(nights.compared(lists, truth, value, data.economics, score))
    return [combined(each, sum) for each in zip(*months, strict=True)]


def _listed(data: Company, minutes: float) -> dict[str, Index]:
    """Each list's positions in the scores over all nights but the pilot's."""
    later = [(rows, lists) for rows, _, lists in _later_nights(data, minutes)]
    return {
        name: np.concatenate([rows[lists[name]] for rows, lists in later]) for name in later[0][1]
    }


def _later_nights(
    data: Company, minutes: float
) -> Iterator[tuple[Index, pd.DataFrame, dict[str, Index]]]:
    """Positions, rows and lists of each night but the pilot's."""
    for rows in data.rows[_PILOT_NIGHTS:]:
        night = part(data.scores, rows)
        lists = nights.chosen(data.settings, night, data.value[rows], data.economics, minutes)
        yield rows, night, lists


def _turns(data: Company, deals: Sequence[Deal]) -> list[Turnover]:
    others = (Company(seed) for seed in MORE_SEEDS)
    months = [_months(data, deals), *(_months(other, deal_again(other)) for other in others)]
    return turnover(data.settings, months, _LENGTHS)


def _turns_by_rule(data: Company, deals: Sequence[Deal]) -> list[Turnover]:
    chances = foreseeable(data.key, data.scores, data.days)
    ranked = _months(data, deals).ranked_by([chances[rows] for rows in data.rows])
    return turnover(data.settings, [ranked], _LENGTHS, (FORGETS, Capacity(0).stays, min(STAYS)))


def _months(data: Company, deals: Sequence[Deal]) -> Nights:
    brought = np.mean([each.brought for each in deals], axis=0)
    return Nights(
        [part(data.scores, rows) for rows in data.rows],
        [data.alone[rows] for rows in data.rows],
        [brought[rows] for rows in data.rows],
    )


def _ranked(data: Company) -> causes.Ranked:
    last, removed = data.rows[-1], data.causes
    worth = pd.Series(data.value[last])
    drivers = causes.drivers_of(removed)
    real = causes.true_removals(data.key, part(data.scores, last), worth, data.days, drivers)
    return causes.ranked(removed, real, float((data.alone * data.value)[last].sum()))


if __name__ == "__main__":
    main()
