"""The image of ``deploy/Containerfile``: what it declares, and its steps done without a builder."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import containerfile
import pytest
import yaml
from command_lines import refused
from programs import required

DEPLOY = Path(__file__).parents[3] / "deploy"
FILE = DEPLOY / "Containerfile"


def declared(word):
    return [said for each, said in containerfile.instructions(FILE) if each == word]


def test_the_image_is_run_by_nobody_special_and_looked_after():
    assert declared("USER") == ["1000:1000"]
    assert declared("VOLUME") == ["/var/lib/stille"]
    (health,) = declared("HEALTHCHECK")
    assert refused(containerfile.words_of(health.partition("CMD ")[2])) is None


def test_every_package_has_its_hash_and_no_host_is_named(root):
    installs = [said for said in declared("RUN") if "pip install" in said]
    assert len(installs) == 3
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    text = FILE.read_text("utf-8") + (DEPLOY / "build.lock").read_text("utf-8")
    assert not re.search(r"https?://|index-url", text)
    for said in declared("COPY"):
        *sources, _ = said.split()
        if not sources[0].startswith("--from"):
            assert all((root / source).exists() for source in sources)


def test_its_deployments_name_a_configuration_that_it_has(root, tmp_path):
    (tmp_path / "prefect.yaml").write_bytes((root / "prefect.yaml").read_bytes())
    env = dict(pair.split("=", 1) for said in declared("ENV") for pair in shlex.split(said))
    (change,) = (said for said in declared("RUN") if "prefect.yaml" in said)
    subprocess.run(
        ["sh", "-ec", change], cwd=tmp_path, env={**env, "PATH": os.environ["PATH"]}, check=True
    )
    made = yaml.safe_load((tmp_path / "prefect.yaml").read_text("utf-8"))["deployments"]
    assert {each["parameters"]["config"] for each in made} == {env["STILLE_CONFIG"]}


@pytest.mark.proof
def test_its_steps_make_an_image_that_runs_a_night_read_only_and_as_another_user(root, tmp_path):
    given = os.environ.get("STILLE_TEST_BASE") if os.geteuid() == 0 else None
    base = required("a base to build on", given, "STILLE_TEST_BASE=FOLDER of debootstrap, as root")
    image = containerfile.build(FILE, root, base, tmp_path / "image")
    volume, settings = tmp_path / "volume", tmp_path / "settings"
    for folder in (volume, settings, Path(f"{image.root}/etc/stille")):
        folder.mkdir()
    os.chown(volume, 1000, 1000)
    document = yaml.safe_load((root / "configs" / "demo.yaml").read_text("utf-8"))
    document["paths"] = {n: f"/var/lib/stille/{n}" for n in ("data", "var", "out")}
    document["training"] |= {"seeds": 1, "bootstrap": 20}
    (settings / "stille.yaml").write_text(yaml.safe_dump(document))
    settings.chmod(0o755)
    (settings / "stille.yaml").chmod(0o644)

    def stille(*words):
        mounts = {volume: "/var/lib/stille", settings: "/etc/stille"}
        ended = containerfile.run(image, ["stille", *words], mounts, {})
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    stille(
        "simulate", "/var/lib/stille/data", "--customers", "2000", "--months", "26", "--seed", "3"
    )
    stille("train", "--plain", "--as-of", "2024-03-01")
    stille("nightly", "--plain", "--as-of", "2024-03-01")
    assert "2024-03-01" in stille("status", "--within", "26")
    assert (volume / "out" / "current" / "risk_list.csv").stat().st_uid == 1000
