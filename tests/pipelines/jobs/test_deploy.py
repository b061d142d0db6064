"""The cluster of ``deploy/dask`` starts, and does a night as one process does."""

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from programs import required

from pipelines.jobs.entry import NIGHTLY

DASK = Path(__file__).parents[3] / "deploy" / "dask"


def manifest(kind):
    documents = yaml.safe_load_all((DASK / "kubernetes.yaml").read_text("utf-8"))
    return [document for document in documents if document["kind"] == kind]


def test_the_manifest_calls_programs_and_options_that_dask_has():
    required("distributed", importlib.util.find_spec("distributed"), "pip install 'stille[dask]'")
    containers = [
        container
        for deployment in manifest("Deployment")
        for container in deployment["spec"]["template"]["spec"]["containers"]
    ]
    assert len(containers) == 2
    for container in containers:
        program = importlib.import_module(container["command"][-1]).main
        known = {o for each in program.params for o in (*each.opts, *each.secondary_opts)}
        named = {word for word in container["args"] if word.startswith("--")}
        assert named <= known
        assert {"tls", "dask"} <= {volume["name"] for volume in container["volumeMounts"]}


def test_dask_knows_every_setting_of_the_cluster():
    required("distributed", importlib.util.find_spec("distributed"), "pip install 'stille[dask]'")
    import dask
    import distributed  # noqa: F401  (sets the defaults)

    def places(section, place=""):
        for key, value in section.items():
            if isinstance(value, dict) and key != "pre-spawn-environ":
                yield from places(value, f"{place}{key}.")
            else:
                yield f"{place}{key}"

    for place in places(yaml.safe_load((DASK / "dask.yaml").read_text("utf-8"))):
        dask.config.get(place)


@pytest.mark.proof
@pytest.mark.parametrize("workers", [1, 2])
def test_a_night_is_the_same_on_the_cluster_of_one_machine(workers, demo, tmp_path, monkeypatch):
    monkeypatch.setenv("STILLE_HOLDOUT_KEY", "k" * 20)
    port = 18_700 + os.getpid() % 1_000
    given = {"PYTHON": sys.executable, "PORT": str(port), "WORKERS": str(workers)}
    with (tmp_path / "log").open("wb") as log:
        dask = subprocess.Popen(
            [DASK / "one-machine.sh"],
            env={**os.environ, **given, "PYTHONPATH": str(DASK.parents[1])},
            cwd=tmp_path,
            stderr=log,
        )
    nights = []
    try:
        address = f"tcp://127.0.0.1:{port}"
        for engine in ({}, {"kind": "dask", "address": address}):
            folder = tmp_path / (engine.get("kind") or "here")
            folder.mkdir()
            config = demo.config_in(folder, demo.data, engine={"shard_size": 450, **engine})
            nights.append(NIGHTLY.start(config, demo.as_of).publication.folder)
    finally:
        dask.send_signal(signal.SIGTERM)
        dask.wait(60)
    names = sorted(path.name for path in nights[0].glob("*.parquet"))
    assert "risk_list.parquet" in names
    for name in names:
        here, there = (pd.read_parquet(folder / name) for folder in nights)
        changing = [column for column in here if column == "run_id"]
        pd.testing.assert_frame_equal(here.drop(columns=changing), there.drop(columns=changing))
