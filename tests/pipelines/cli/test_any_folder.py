"""A company whose paths are relative to its configuration, worked on from a folder of nobody's."""

import os
import subprocess
import sys
from pathlib import Path

import commands
import pytest
import yaml

from pipelines.config.settings import load_settings

NAMES = ("data", "var", "out")


@pytest.fixture(scope="module")
def company(small_company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a copy, in a folder beside those that it names."""
    folder = tmp_path_factory.mktemp("anywhere") / "company"
    commands.copy(small_company, folder)
    document = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    document["paths"] = {name: f"../{name}" for name in NAMES}
    config = folder / "settings" / "company.yaml"
    config.parent.mkdir()
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    return config


@pytest.mark.parametrize(
    "words",
    ["nightly --plain --as-of 2023-09-01", "explain CUSTOMER --as-of 2023-06-01"],
)
def test_a_command_finds_everything_and_leaves_the_folder_as_it_was(company, tmp_path, words):
    """The texts of lists are the product's own, and the folders those beside the configuration."""
    customer = (company.parents[1] / "customer").read_text("utf-8")
    config = os.path.relpath(company, tmp_path)
    ended = subprocess.run(
        [sys.executable, "-m", "stille", *words.replace("CUSTOMER", customer).split()],
        env=os.environ | {"STILLE_CONFIG": config, "HOME": str(company.parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in (0, 6), ended.stderr
    assert [*tmp_path.iterdir()] == []
    assert {path.name for path in company.parent.iterdir()} == {"company.yaml"}


def test_each_path_counts_from_the_folder_of_the_configuration(root, tmp_path, monkeypatch):
    document = yaml.safe_load((root / "configs" / "demo.yaml").read_text("utf-8"))
    config = tmp_path / "company" / "settings" / "company.yaml"
    config.parent.mkdir(parents=True)

    def written(**sections):
        config.write_text(yaml.safe_dump(document | sections), encoding="utf-8")

    written(paths={name: f"../{name}" for name in NAMES})
    monkeypatch.chdir(config.parent)
    paths = load_settings(Path(config.name)).paths
    assert [getattr(paths, name) for name in NAMES] == [tmp_path / "company" / n for n in NAMES]
    monkeypatch.chdir(tmp_path)
    paths = load_settings(config.relative_to(tmp_path)).paths
    assert [str(getattr(paths, name)) for name in NAMES] == [f"company/{name}" for name in NAMES]
    certificates = {name: f"keys/{name}.pem" for name in ("ca", "certificate", "key")}
    written(
        paths={"data": str(root), "out": "s3://bucket/out"},
        engine={"kind": "dask", "address": "tls://host:1", "tls": certificates},
        tracking={"uri": "sqlite:///store.db?timeout=5"},
    )
    settings = load_settings(config)
    assert settings.paths.data == root
    assert settings.paths.var == config.parent / "var"
    assert settings.paths.mirrors in settings.paths.out.parents
    assert settings.engine.tls["key"] == config.parent / "keys" / "key.pem"
    assert settings.tracking.uri == f"sqlite:///{config.parent}/store.db?timeout=5"
    assert not settings.may_hold_models()
