"""Who was champion within a year, and how many challengers were compared, by tags alone."""

from datetime import date

from pipelines.tracking.registry import Registered
from pipelines.training.champion_comparison import (
    champions_of_year,
    compared_within_year,
    trained_version,
)

TODAY = date(2024, 6, 1)


def registry(*tags):
    """Versions 1, 2, …; each trained on the first of a month of 2024 unless its tags say else."""
    return {
        str(number): Registered(
            "churn",
            str(number),
            "run",
            found.pop("digest", str(number)),
            {"known_before": f"2024-0{number}-01", **found},
        )
        for number, found in enumerate(map(dict, tags), start=1)
    }


def numbers(found):
    return [each.version for each in found]


def test_champions_are_those_promoted_within_a_year_and_those_whom_they_replaced():
    versions = registry(
        {"promoted_at": "then", "known_before": "2022-01-01"},
        {"promoted_at": "then", "known_before": "2022-09-01", "promoted_over": "1"},
        {"promoted_at": "then", "promoted_over": "2"},
        {"promoted_at": "then", "rolled_back_at": "later", "promoted_over": "3"},
        {"verdict": "refused"},
        {"promoted_at": "then", "known_before": "2024-07-01", "promoted_over": "9"},
    )
    assert numbers(champions_of_year(versions, TODAY)) == ["2", "3"]
    assert champions_of_year(versions, date(2021, 1, 1)) == ()


def test_challengers_count_after_the_first_champion_once_each_and_for_a_year():
    first, refused = {"verdict": "passed", "promoted_at": "then"}, {"verdict": "refused"}
    versions = registry(
        refused,
        first,
        refused,
        {"verdict": "passed", "parent_version": "2"},
        {**refused, "digest": "3"},
        {**refused, "known_before": "2023-06-01"},
        {},
    )
    assert compared_within_year(versions, versions["7"], TODAY) == 2
    assert compared_within_year(versions, versions["3"], TODAY) == 1
    assert compared_within_year(registry(refused, {}), versions["2"], TODAY) == 1


def test_a_recalibration_has_the_boosters_of_its_parent_s_training():
    versions = registry(
        {}, {"parent_version": "1"}, {"parent_version": "2"}, {"parent_version": "9"}
    )
    assert trained_version(versions, versions["3"]) == versions["1"]
    assert trained_version(versions, versions["4"]) == versions["4"]
    turned = registry({"parent_version": "2"}, {"parent_version": "1"})
    assert trained_version(turned, turned["2"]) == turned["1"]
