"""``stille promote`` and ``stille rollback``: what they allow, refuse and leave behind."""

import json
import re
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from trees import records

from models.churn.serialization import to_files
from models.dataset.feature_spec import FeatureSpec
from pipelines.config.settings import load_settings
from pipelines.tracking import files, registry, runs


@pytest.fixture
def shop(demo, stille, tmp_path):
    """A registry with three versions of the trained model, the third of other features."""
    found = registry.champion_version(load_settings(demo.config))
    model = files.load(load_settings(demo.config), found)
    config = demo.config_in(tmp_path, tracking={"model": tmp_path.name})
    first, *rest = model.spec.columns
    other = replace(model, spec=FeatureSpec((replace(first, definition="of another day"), *rest)))
    settings = load_settings(config)
    training = runs.Training(
        name="a copy",
        params={},
        metrics={},
        tags={"tables": found.tags["tables"]},
        files={},
        model_files=to_files(model),
    )
    versions = [
        runs.log_training(settings, replace(training, model_files=to_files(each)))
        for each in (model, model, other)
    ]

    class Shop:
        name = tmp_path.name
        other_feature = first.name
        var = settings.paths.var

        @staticmethod
        def run(*words):
            return stille(*words, "--config", config)

        @staticmethod
        def aliases():
            found = [registry.champion_version(settings, each) for each in ("champion", "previous")]
            return tuple(each and each.version for each in found)

        @staticmethod
        def tags(version):
            return registry.version_of(settings, version).tags

        @staticmethod
        def judge(version, *failed):
            registry.write_verdict(settings, versions[version - 1], failed, b"{}")

        @staticmethod
        def booster(version):
            client = mlflow.MlflowClient()
            root = client.get_model_version_download_uri(tmp_path.name, str(version))
            return Path(root.removeprefix("file://"), "artifacts/model/booster_0.txt")

    return Shop


@pytest.mark.promise("promotion")
def test_promote_and_roll_back(shop):
    unknown = shop.run("promote")
    assert (unknown.code, shop.aliases()) == (4, (None, None))
    assert "has no verdict" in unknown.err

    shop.judge(1)
    shop.judge(2, "ranks", "seeds")
    dry = shop.run("promote", "1", "--dry-run", "--json")
    assert json.loads(dry.out) == {
        "champion": f"{shop.name}/1",
        "before": None,
        "changed": True,
        "dry_run": True,
        "why": "by a person: all rules passed",
    }
    assert shop.aliases() == (None, None)
    assert shop.run("promote", "1").code == 0
    tags = shop.tags("1")
    again = shop.run("promote", "1")
    assert (again.code, shop.aliases(), shop.tags("1")) == (0, ("1", None), tags)
    assert "champion already" in again.out

    refused = shop.run("promote", "2")
    assert (refused.code, shop.aliases()) == (4, ("1", None))
    assert "refused by the promotion rules: ranks; seeds" in refused.err
    assert re.search(r"stille promote --config \S+ 2 --reason TEXT", refused.err)
    assert shop.run("promote", "2", "--reason", " ").code == 4
    assert shop.run("promote", "2", "--reason", "a campaign explains it").code == 0
    assert shop.aliases() == ("2", "1")
    assert "a campaign explains it" in shop.tags("2")["promoted_why"]
    assert shop.tags("2")["promoted_over"] == "1"
    assert shop.tags("2")["promoted_at"].endswith("Z")

    assert shop.run("rollback", "--dry-run").code == 0
    assert shop.aliases() == ("2", "1")
    back = json.loads(shop.run("rollback", "--json").out)
    assert (back["champion"], back["before"], back["changed"]) == (
        f"{shop.name}/1",
        f"{shop.name}/2",
        True,
    )
    assert shop.aliases() == ("1", None)
    second = shop.run("rollback")
    assert (second.code, shop.aliases()) == (4, ("1", None))
    assert "1 stays champion" in second.err
    shop.judge(2)
    lost = shop.run("promote", "2")
    assert (lost.code, shop.aliases()) == (4, ("1", None))
    assert "was rolled back on" in lost.err
    ended = [(r["command"], r["exit_code"]) for r in records(shop.var, "rollback")]
    assert sorted(ended) == [("rollback", 0), ("rollback", 0), ("rollback", 4)]
    assert len(records(shop.var, "promote")) == 8


@pytest.mark.promise("promotion")
@pytest.mark.fault(28)
def test_a_rollback_that_was_killed_finishes(shop):
    shop.judge(1)
    assert shop.run("promote", "1").code == 0
    mlflow.MlflowClient().set_registered_model_alias(shop.name, "previous", "1")
    done = shop.run("rollback", "--json")
    assert (done.code, json.loads(done.out)["changed"], shop.aliases()) == (0, False, ("1", None))


def test_a_reason_excuses_neither_other_features_nor_damage(shop):
    other = shop.run("promote", "3", "--reason", "because")
    assert other.code == 4
    assert f"defined otherwise now: {shop.other_feature}" in other.err
    with shop.booster(2).open("a") as file:
        file.write("\n")
    damaged = shop.run("promote", "2", "--reason", "because")
    assert damaged.code == 4
    assert "do not match the digest" in damaged.err
    absent = shop.run("promote", "9", "--reason", "because")
    assert absent.code == 4
    assert "holds no version 9" in absent.err
    assert shop.aliases() == (None, None)
