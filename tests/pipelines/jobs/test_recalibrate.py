"""``stille recalibrate``: the champion's boosters with the level of the newest outcomes."""

import json
from dataclasses import replace

import mlflow
import numpy as np
import pytest
from trees import records

from models.calibration.platt import Calibration, Platt
from models.calibration.recalibration import Recalibration, RecalibrationCheck
from models.churn.serialization import digest, to_files
from models.dataset.feature_spec import FeatureSpec
from pipelines.cli import printing
from pipelines.config.settings import load_settings
from pipelines.jobs.recalibrate import NOTHING, NOTHING_NEWER, RecalibrationResult
from pipelines.tracking import files as model_files
from pipelines.tracking import registry, runs


@pytest.fixture
def shop(demo, stille, tmp_path):
    """A registry whose champion was trained in July 2023, with a level far too high."""
    settings = load_settings(demo.config)
    found = registry.champion_version(settings)
    files, model = model_files.fetch(settings, found), model_files.load(settings, found)
    config = demo.config_in(tmp_path, tracking={"model": tmp_path.name})
    own = load_settings(config)

    class Shop:
        folder = tmp_path
        parent = model

        @staticmethod
        def register(model, known_before="2023-07-01"):
            rest = {"reference.json": files["reference.json"]}
            training = runs.Training(
                name="too high",
                params={},
                metrics={},
                tags={**found.tags, "known_before": known_before},
                files={},
                model_files={**to_files(model), **rest},
            )
            version = runs.log_training(own, training)
            registry.promote(own, version, "a test")
            return version

        @staticmethod
        def run(*words, as_of=demo.as_of):
            return stille(*words, "--plain", "--config", config, "--as-of", as_of)

        champion = staticmethod(lambda: registry.champion_version(own))
        version = staticmethod(lambda number: registry.version_of(own, number))
        files = staticmethod(lambda registered: model_files.fetch(own, registered))

        @staticmethod
        def versions():
            client = mlflow.MlflowClient(registry.tracking_uri(own))
            return len(client.search_model_versions(f"name='{own.tracking.model}'"))

        @staticmethod
        def record():
            return records(own.paths.var, "recalibrate")[-1]

    return Shop


def too_high(model, by=1.0):
    old = model.calibration
    lines = {n: Platt(line.slope, line.intercept + by) for n, line in old.product_lines.items()}
    return replace(model, calibration=Calibration(old.slope, old.intercept + by, lines))


def test_the_level_comes_down_and_the_night_scores_with_it(shop, demo):
    parent = shop.register(too_high(shop.parent))
    ended = shop.run("recalibrate", "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert (said["champion"], said["failed"], said["parent"]) == (True, [], parent.label)
    champion = shop.champion()
    assert (champion.version, said["version"]) == ("2", champion.label)

    before, after = shop.files(parent), shop.files(champion)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"calibration.json", "probe.json"}
    assert champion.digest == digest(after) != parent.digest
    old, new = (json.loads(each["calibration.json"]) for each in (before, after))
    assert set(new["product_lines"]) == {"electricity", "broadband"}
    assert all(
        line["intercept"] < old["product_lines"][name]["intercept"] - 0.4
        for name, line in new["product_lines"].items()
    )
    for check in (said["check"], said["level"]):
        assert abs(check["predicted"] - check["observed"]) < check["parent_predicted"] / 4
    # 29 February is the last day that is known: 13 days into the window of 1 February.
    assert said["level"]["months"][-3:] == ["2023-12", "2024-01", "2024-02"]
    assert said["months"][-1] == "2023-11"

    tags = champion.tags
    assert (tags["parent_version"], tags["verdict"]) == ("1", "passed")
    assert tags["calibrated_on"] == ", ".join(sorted({*said["months"], *said["level"]["months"]}))
    assert (tags["known_before"], tags["boosters_known_before"]) == ("2024-03-01", "2023-07-01")
    verdict = mlflow.artifacts.load_dict(f"runs:/{champion.run_id}/verdict.json")
    assert verdict["promote"] is True
    record = shop.record()
    assert (record["status"], record["model_version"]) == ("succeeded", champion.label)
    assert {gate["name"] for gate in record["gates"]} >= {
        "recalibration.log_loss",
        "recalibration.level_error",
        "recalibration.newest_log_loss",
        "recalibration.newest_level_error",
    }

    assert shop.run("nightly").code == 0
    [package] = (shop.folder / "out").rglob("datapackage.json")
    assert champion.label in package.read_text()
    again = shop.run("recalibrate")
    assert again.code == 0, again.err
    assert "Nothing to follow: the level moved by less than it swings" in again.out
    assert shop.versions() == 2
    assert shop.champion() == champion
    assert shop.record()["notes"][-1] == NOTHING


def test_a_champion_that_has_learned_from_everything_is_left_alone(shop):
    parent = shop.register(shop.parent, known_before="2024-03-01")
    ended = shop.run("recalibrate")
    assert (ended.code, shop.record()["notes"][-1]) == (0, NOTHING_NEWER)
    assert "learned from every month whose outcome is known" in ended.out
    said = json.loads(shop.run("recalibrate", "--json").out)
    assert (said["version"], said["parent"]) == (None, parent.label)
    assert shop.champion() == shop.version(parent.version)


def test_other_features_are_refused_before_any_is_built(shop):
    first, *rest = shop.parent.spec.columns
    other = FeatureSpec((replace(first, definition="of another day"), *rest))
    shop.register(replace(shop.parent, spec=other))
    ended = shop.run("recalibrate")
    assert ended.code == 4
    assert f"defined otherwise now: {first.name}" in ended.err
    assert "features" not in [stage["name"] for stage in shop.record()["stages"]]


def test_without_a_champion_there_is_nothing_to_recalibrate(shop):
    assert shop.run("recalibrate").code == 4


def test_a_parent_that_is_champion_no_longer_keeps_the_alias_where_it_is(shop, monkeypatch):
    from pipelines.jobs import recalibrate as module

    shop.register(too_high(shop.parent))
    resolve, register = module.resolve_champion, module.register

    def overtaken(*given):
        done = register(*given)
        shop.register(shop.parent, known_before="2024-03-01")
        return done

    monkeypatch.setattr(module, "register", overtaken)
    assert module.resolve_champion is resolve
    ended = shop.run("recalibrate")
    assert ended.code == 0
    assert "Not champion: parent_is_champion" in ended.out
    assert shop.champion().version == "3"
    assert shop.version("2").tags["verdict"] == "refused"
    assert np.isfinite(json.loads(shop.files(shop.version("2"))["calibration.json"])["slope"])


def test_a_refit_that_is_refused_says_by_which_rule(capsys):
    line = Calibration(1.0, 0.0, {})
    worse = RecalibrationCheck(("2024-01",), 900, 30, 0.03, 0.05, 0.04, 0.12, 0.13)
    better = replace(worse, months=("2024-02",), predicted=0.03)
    found = Recalibration(line, ("2024-01",), 900, 30, worse, better)
    printing.recalibration_done(RecalibrationResult(None, "churn/1", found, ()))
    shown = capsys.readouterr().out
    assert "The refit is refused by level_error: slopes stay as they were." in shown
    assert "checked on 2024-02: 3.00% left, 3.00% predicted (parent 4.00%)" in shown
    assert "No version was registered." in shown
    printing.recalibration_done(
        RecalibrationResult(None, "churn/1", replace(found, check=better), ())
    )
    assert "refused" not in capsys.readouterr().out
