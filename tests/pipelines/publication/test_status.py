"""The status of a night: no list that cannot be used is called in order."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from stamps import STAMP

from pipelines.config.measurement import MeasurementFile
from pipelines.config.settings import load_settings
from pipelines.publication.status import (
    Notice,
    list_notices,
    missing_tables,
    published_status,
    run_notices,
    sentences,
    tone_of,
)

NIGHT = date(2026, 3, 3)
NOTHING = MeasurementFile(None, None)
TEXTS = {
    language: yaml.safe_load(Path(f"configs/report/{language}.yaml").read_text("utf-8"))
    for language in ("en", "nb", "sv")
}


@pytest.fixture
def settings():
    return load_settings(Path("configs/demo.yaml"))


def without(settings, *tables):
    left = {name: each for name, each in settings.sources.items() if name not in tables}
    return settings.model_copy(update={"sources": left})


def list_of(called=(), **others):
    """Rows: the minutes of who is called, and how many others by rule."""
    rules = [rule for rule, count in others.items() for _ in range(count)]
    return pd.DataFrame(
        {
            "lane": ["call"] * len(called) + ["none"] * len(rules),
            "lane_rule": [None] * len(called) + rules,
            "minutes": [*called, *[None] * len(rules)],
        }
    )


FULL = list_of(called=[10.0] * 240, capacity=5)


def found(settings, rows=FULL, looked_up=("2026-02-20", None)):
    days = pd.Series(pd.to_datetime(list(looked_up)))
    return list(list_notices(settings, rows, days, NIGHT))


def test_a_list_that_fills_the_minutes_is_in_order(settings):
    assert found(settings) == []
    assert tone_of([]) == "good"
    assert next(sentences([])) == "In order. Tonight's lists are ready to use."


@pytest.mark.parametrize("table", ["consents", "contact_bars", "reservations"])
def test_a_table_of_permissions_that_is_not_mapped_is_named(settings, table):
    expected = [Notice("look", f"no_{table}")]
    assert list(missing_tables(without(settings, table))) == expected
    assert found(without(settings, table)) == expected
    assert tone_of(expected) == "look"


def test_no_register_is_missed_where_none_has_to_be_asked(settings):
    contact = settings.contact.model_copy(update={"register_days": None})
    asked = settings.model_copy(update={"contact": contact})
    assert found(without(asked, "reservations"), looked_up=[None]) == []
    assert found(asked, looked_up=["2020-01-01"]) == []


@pytest.mark.parametrize(
    ("looked_up", "expected"),
    [
        (["2026-01-31", None], []),
        (["2026-01-30", "2026-03-01", None], [Notice("look", "register_old", 1)]),
        (["2025-12-01", "2026-01-30"], [Notice("look", "register_old", 2)]),
        ([None, None], [Notice("look", "register_empty")]),
    ],
)
def test_a_look_up_in_the_register_is_old_after_31_days(settings, looked_up, expected):
    """31 January is 31 days before 3 March 2026."""
    assert found(settings, looked_up=looked_up) == expected


def test_an_empty_call_list_is_named_with_the_rule_that_emptied_it(settings):
    rows = list_of(no_action=90, register_old=6, no_consent=3)
    assert found(settings, rows) == [Notice("look", "nobody_called", 6, "register_old")]
    rows = list_of(no_action=90)
    assert found(settings, rows) == [Notice("look", "nobody_called", 90, "no_action")]
    assert found(settings, list_of()) == [Notice("look", "nobody_called", 0, "no_action")]


def test_minutes_are_unused_where_one_more_call_fits_and_nobody_waits_for_it(settings):
    rows = list_of(called=[15.0, 6.0], asleep=4, no_action=9)
    assert found(settings, rows) == [Notice("look", "unused_minutes", 2379.0, "asleep")]
    assert found(settings, list_of(called=[15.0, 6.0], asleep=4, capacity=1)) == []
    assert found(settings, list_of(called=[6.0] * 398 + [10.0], asleep=4)) == []
    [said] = found(settings, list_of(called=[6.0] * 398, asleep=4))
    assert said == Notice("look", "unused_minutes", 12.0, "asleep")


def test_what_is_amiss_with_the_run_is_named_the_most_serious_first():
    stamp = replace(STAMP, as_of=NIGHT)
    gates = [SimpleNamespace(passed=False), SimpleNamespace(passed=True)]
    monitored = MeasurementFile(NIGHT, {"alarms": ["a", "b"]})
    measured = MeasurementFile(NIGHT, {"harmful": ["all=all"]})
    assert list(run_notices(stamp, [], NIGHT, NOTHING, NOTHING, {})) == []
    assert list(run_notices(stamp, [], date(2026, 2, 24), NOTHING, NOTHING, {})) == []
    ill = replace(stamp, permissions_read=False, degraded=True)
    told = list(run_notices(ill, gates, date(2026, 2, 23), monitored, measured, {}))
    assert [(each.tone, each.code, each.figure) for each in told] == [
        ("bad", "permissions", 1),
        ("bad", "harm", 1),
        ("look", "gates", 1),
        ("look", "alarms", 2),
        ("look", "old_data", 8),
        ("look", "degraded", 1),
    ]
    assert tone_of(told) == "bad"
    assert tone_of(told[2:]) == "look"
    # Nights from before the key was named tell nothing of it.
    other, same = {"holdout_key": "another"}, {"holdout_key": stamp.holdout_key}
    for before, codes in ((other, ["lot_redrawn"]), (same, []), ({"lane": 1}, [])):
        told = run_notices(stamp, [], NIGHT, NOTHING, NOTHING, before)
        assert [each.code for each in told] == codes
    torn = MeasurementFile(NIGHT, None)
    assert [each.code for each in run_notices(stamp, [], None, torn, NOTHING, {})] == ["unreadable"]


@pytest.mark.parametrize("language", TEXTS)
def test_every_notice_has_a_next_step_and_a_command_that_takes_the_configuration(language):
    notices, steps = TEXTS[language]["notices"], TEXTS[language]["steps"]
    assert set(notices) == set(steps)
    for code, step in steps.items():
        commands = step.split("stille ")[1:]
        assert commands, code
        assert all("$config" in command.split()[0] for command in commands), code


def test_terminals_are_told_the_reason_and_the_step():
    notices = [Notice("look", "nobody_called", 1234, "register_old")]
    headline, said = sentences(notices)
    assert headline.startswith("Take a look.")
    assert "The register was not asked recently” (customers: 1,234)" in said
    assert said.endswith("for one of them: stille explain CUSTOMER.")


def test_a_publication_without_a_status_has_none(tmp_path):
    assert published_status(tmp_path) is None
    (tmp_path / "datapackage.json").write_text('{"stille": {}}')
    assert published_status(tmp_path) is None
