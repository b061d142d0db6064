"""The command line as a whole: version, groups, examples, completion, and JSON of every kind."""

import contextvars
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
import typer

import pipelines.cli.app  # noqa: F401  (its commands enter the application)
from pipelines.cli.json_output import print_json
from pipelines.cli.options import app, with_config
from pipelines.runtime.environment import code_version
from pipelines.runtime.logs import LOG

GROUP = typer.main.get_command(app)
NAMES = sorted(GROUP.commands)
WITHOUT_JSON = {"demo", "init", "schema", "serve", "ui"}
"""They ask, stay, or print JSON in any case."""
DRY_RUN = {"nightly", "forget", "outcomes", "promote", "rollback"}


def options(name):
    return {option for each in GROUP.commands[name].params for option in each.opts}


@pytest.mark.parametrize("name", NAMES)
def test_a_command_has_a_group_and_an_example_that_it_takes(name):
    command = GROUP.commands[name]
    assert command.rich_help_panel in {"Start", "Data", "Model", "Night", "Service"}, "use @command"
    stille, named, *arguments = shlex.split(command.epilog.removeprefix("Example: "))
    assert (stille, named) == ("stille", name)
    # In a context of its own: the configuration in use is not that of other tests.
    contextvars.copy_context().run(command.make_context, name, list(arguments))
    assert all(each.help for each in command.params), "say what each option is for"


def test_what_prints_a_result_prints_it_as_json_and_what_cannot_be_undone_can_be_tried():
    assert {name for name in NAMES if "--json" not in options(name)} == WITHOUT_JSON
    assert {name for name in NAMES if "--dry-run" in options(name)} == DRY_RUN


@pytest.mark.parametrize("name", ["", *NAMES])
def test_the_help_fits_into_80_columns(stille, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    ended = stille(*filter(None, [name]), "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    if name:
        assert GROUP.commands[name].epilog in " ".join(ended.out.split())


def test_the_version_is_printed(stille):
    ended = stille("--version")
    assert (ended.code, ended.out) == (0, f"stille {code_version()}\n")


@pytest.mark.parametrize(
    ("arguments", "words", "step"),
    [
        (["nightli"], "Did you mean 'nightly'", "stille --help"),
        (["nightly", "--jsn"], "--json", "stille nightly --help"),
        (["simulate", "x", "--company", "soft"], "'kind', 'hard'", "stille simulate --help"),
    ],
)
def test_a_word_that_is_no_command_or_option_ends_with_2_and_the_nearest(
    stille, arguments, words, step
):
    ended = stille(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in " ".join(ended.err.replace("│", " ").split())
    ended = stille(*arguments, "--json")
    assert (ended.code, ended.out) == (2, "")
    told = json.loads(ended.err.splitlines()[-1])
    assert words in told["error"]
    assert (told["exit_code"], told["next"]) == (2, [step])


def test_an_error_is_json_with_the_next_command_where_json_was_asked_for(stille, company, tmp_path):
    company()
    config = tmp_path / "a config.yaml"
    (tmp_path / "config.yaml").rename(config)
    ended = stille("truth", "--json", "--config", config)
    assert (ended.code, ended.out) == (2, "")
    told = json.loads(ended.err.splitlines()[-1])
    assert told["exit_code"] == 2
    assert told["next"] == [f"stille train --config '{config}'"]
    assert "no test scores" in told["error"]


@pytest.mark.parametrize("lines", ["json", "words"])
@pytest.mark.parametrize("bug", [True, False])
def test_an_error_is_json_whatever_the_log_is_and_a_bugs_has_no_text(
    stille, company, tmp_path, monkeypatch, lines, bug
):
    company()
    monkeypatch.setenv("STILLE_LOG_FORMAT", lines)
    if bug:
        monkeypatch.setattr("pipelines.config.settings.load_settings", {"C0001234": 1}.__getitem__)
    ended = stille("truth", "--json", "--config", tmp_path / "config.yaml")
    told = json.loads(ended.err.splitlines()[-1])
    code, words = (1, "KeyError, which is a bug") if bug else (2, "no test scores")
    assert (ended.code, told["exit_code"]) == (code, code)
    assert words in told["error"]


def test_a_warning_names_the_configuration_in_use(stille, company, tmp_path, caplog):
    company()
    stille("truth", "--config", tmp_path / "config.yaml")
    LOG.warning("degraded. Next: %s", "stille doctor")
    assert f"Next: stille doctor --config {tmp_path / 'config.yaml'}" in caplog.text


def test_a_command_is_given_the_configuration_once_whatever_its_name():
    given = with_config("stille check --accept --config it.yaml, then stille train", Path(r"C:\d"))
    assert given == r"stille check --accept --config it.yaml, then stille train --config 'C:\d'"


def test_with_json_nothing_is_asked(stille, company, tmp_path):
    company()
    ended = stille("forget", "C1", "--json", "--config", tmp_path / "config.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "--yes" in json.loads(ended.err)["error"]


def test_the_steps_are_the_commands_that_a_message_names():
    from pipelines.cli.app import _COMMAND

    message = (
        "Look at it (stille check writes it), then: stille nightly --as-of 2026-01-31, "
        "stille promote VERSION --reason TEXT, or stille outcomes a.b.xlsx --correct. Wait."
    )
    assert _COMMAND.findall(message) == [
        "stille check",
        "stille nightly --as-of 2026-01-31",
        "stille promote VERSION --reason TEXT",
        "stille outcomes a.b.xlsx --correct",
    ]


@dataclass(frozen=True, slots=True)
class Measured:
    day: date
    share: float


def test_json_has_types(capsys):
    print_json(
        {
            "days": np.int64(3),
            "share": np.float64(0.25),
            "lost": float("nan"),
            "at": pd.Timestamp("2026-01-31 10:00", tz="UTC"),
            "until": datetime(2026, 1, 31, tzinfo=UTC),
            "drivers": pd.Series({"price": 0.5}),
            "price": Decimal("445.50"),
            "fixed": MappingProxyType({"a": Path("b")}),
            "whole": Measured(date(2026, 1, 31), np.float64("inf")),
            "word": "blåbær",
        }
    )
    shown = capsys.readouterr().out
    assert "blåbær" in shown
    assert json.loads(shown) == {
        "days": 3,
        "share": 0.25,
        "lost": None,
        "at": "2026-01-31T10:00:00+00:00",
        "until": "2026-01-31T00:00:00+00:00",
        "drivers": {"price": 0.5},
        "price": 445.5,
        "fixed": {"a": "b"},
        "whole": {"day": "2026-01-31", "share": None},
        "word": "blåbær",
    }


@pytest.mark.parametrize(
    ("words", "completed"),
    [("stille night", {"nightly"}), ("stille simulate --company ", {"kind", "hard"})],
)
def test_the_shell_completes_commands_and_choices(root, words, completed):
    asked = {"_STILLE_COMPLETE": "complete_bash", "COMP_WORDS": words}
    ended = subprocess.run(
        [sys.executable, "-m", "stille"],
        env={**os.environ, **asked, "COMP_CWORD": str(words.count(" "))},
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert set(ended.stdout.split()) == completed
