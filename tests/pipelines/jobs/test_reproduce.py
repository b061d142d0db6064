"""A training again: the same bytes, or all that is other than it was."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml
from trees import records

from pipelines.config.file import PREFIX
from pipelines.config.run import open_run
from pipelines.jobs import reproduce as job
from pipelines.tracking.runs import PROVENANCE, find_logged

SECRET = "s3cr3t-canary"  # noqa: S105


def test_a_run_comes_out_with_the_same_bytes_under_another_configuration(
    stille, demo, trained, tmp_path, monkeypatch
):
    """Of the configuration of now only folders and addresses count."""
    learned = []

    def fit_all(run, *others):
        learned.append(run.settings.training.seeds)
        return FIT(run, *others)

    monkeypatch.setattr(job, "fit_all", fit_all)
    config = demo.config_in(tmp_path, training={"seeds": 2})
    ended = stille("reproduce", trained.registered.version, "--config", config, "--json")
    assert (ended.code, ended.err.count("stille:")) == (0, 0)
    told = json.loads(ended.out)
    assert told == {"label": "churn/1", "digest": trained.registered.digest, "other": []}
    assert learned == [1]
    [record] = records(tmp_path / "var", "reproduce")
    assert (record["as_of_date"], record["exit_code"]) == (str(demo.as_of), 0)


FIT = job.fit_all


@pytest.fixture
def other_bytes(monkeypatch, trained):
    """A training that ends at once with other bytes than any before."""
    prepared = SimpleNamespace(examples=trained.evaluation.test)
    fitted = SimpleNamespace(files={"booster_0.txt": b"other"})
    monkeypatch.setattr(job, "make_examples", lambda *_: prepared)
    monkeypatch.setattr(job, "leave_out_treated", lambda *_: (prepared, {}))
    for name in ("evaluate_recipe", "learn_outcomes"):
        monkeypatch.setattr(job, name, lambda *_: None)
    monkeypatch.setattr(job, "fit_all", lambda *_: fitted)


def test_other_bytes_are_told_with_what_may_be_the_reason(stille, demo, other_bytes, monkeypatch):
    now = job.circumstances

    def circumstances(run, *others):
        same = now(run, *others)
        same["packages"] |= {"lightgbm": "0.1", "numpy": "0.1"}
        return {**same, "inputs": dict.fromkeys(same["inputs"], "0"), "code": {"commit": "x"}}

    monkeypatch.setattr(job, "circumstances", circumstances)
    ended = stille("reproduce", "champion", "--config", demo.config)
    assert ended.code == 6
    said = " ".join(ended.err.split())
    assert "came out with other bytes" in said
    assert "code (commit, version); packages (lightgbm, numpy); rows (digest)" in said
    assert "Other than then: inputs (" in said
    assert "configuration" not in said


def test_a_run_that_does_not_tell_of_its_making_is_refused(stille, demo, trained, monkeypatch):
    def without(settings, name):
        return replace(find_logged(settings, name), facts={})

    monkeypatch.setattr(job, "find_logged", without)
    ended = stille("reproduce", "champion", "--config", demo.config)
    assert ended.code == 4
    assert "Train again: stille train" in " ".join(ended.err.split())
    monkeypatch.undo()


def test_no_secret_is_in_what_a_run_tells_of_its_making(company, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM", f"postgresql://stille:{SECRET}@localhost/crm")
    database = {"database": {"uri": "${CRM}", "table": "crm.contacts"}}
    monkeypatch.setenv("HOOK", f"https://localhost/{SECRET}")
    heard = {"addresses": ["${HOOK}"], "command": ["send", "${HOOK}"], "ping": "${HOOK}"}
    company(sources={"contacts": database}, notifications=heard)
    path = tmp_path / "config.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    monkeypatch.setenv(f"{PREFIX}TRACKING__URI", f"http://stille:{SECRET}@localhost")
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with open_run("train", path) as run:
        text = json.dumps(run.configuration)
        assert SECRET not in text
        assert "crm.contacts" in text
        assert SECRET not in repr(run.settings)
        digest = run.config_digest
        again = job._configured(run.settings, json.loads(text))
    assert again.model_dump() == run.settings.model_dump()
    company(sources={"contacts": database})
    with open_run("train", path) as run:
        assert run.config_digest == digest
    uri = again.sources["contacts"].database.uri
    assert uri.get_secret_value().endswith(f"{SECRET}@localhost/crm")


def test_the_run_keeps_configuration_code_packages_and_inputs(demo, trained):
    from pipelines.config.settings import load_settings

    logged = find_logged(load_settings(demo.config), "1")
    kept = logged.facts[PROVENANCE]
    assert kept["configuration"]["training"]["seeds"] == 1
    assert kept["packages"]["lightgbm"]
    assert kept["tables"]["as of"] == str(demo.as_of)
    assert len(kept["rows"]["digest"]) == 64
    assert len(kept["inputs"]) > 20
