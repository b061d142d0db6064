"""A Containerfile without a builder: its steps in folders made of a base, run by chroot as root."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

NETWORK = ("PIP_INDEX_URL", "PIP_CERT", "UV_INDEX_URL", "SSL_CERT_FILE", "https_proxy")
"""Variables of this machine with which packages are found, if it has them."""


@dataclass
class Stage:
    """The file system of one stage, and what its last instructions of each kind say."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
    folder: str = "/"
    last: dict[str, str] = field(default_factory=dict)


def instructions(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text("utf-8").splitlines()
    words = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, rest in words]


def words_of(said: str) -> list[str]:
    return json.loads(said) if said.startswith("[") else shlex.split(said)


def build(path: Path, context: Path, base: Path, into: Path) -> Stage:
    """Do every instruction; the stage that is the image."""
    stages: dict[str, Stage] = {}
    for word, said in instructions(path):
        if word == "FROM":
            name = said.partition(" AS ")[2] or "image"
            stage = stages[name] = Stage(into / name)
            into.mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", base, stage.root], check=True)
        elif word == "RUN":
            found = {name: os.environ[name] for name in NETWORK if name in os.environ}
            command = [
                "env",
                "-i",
                "-C",
                stage.folder,
                *pairs(stage.env | found),
                "sh",
                "-ec",
                said,
            ]
            subprocess.run(["chroot", stage.root, *command], check=True, umask=0o022)
        elif word == "WORKDIR":
            stage.folder = said
            inside(stage, said).mkdir(parents=True, exist_ok=True)
            inside(stage, said).chmod(0o755)
        elif word == "ENV":
            pairs_given = (pair.split("=", 1) for pair in shlex.split(said))
            stage.env |= {
                name: Template(value).substitute(stage.env) for name, value in pairs_given
            }
        elif word == "COPY":
            copy(said, stage, stages, context)
        elif word != "ARG":
            stage.last[word] = said
    return stage


def copy(said: str, stage: Stage, stages: Mapping[str, Stage], context: Path) -> None:
    *sources, into = shlex.split(said)
    origin = context
    if sources[0].startswith("--from="):
        origin = stages[sources.pop(0).partition("=")[2]].root
    for source in sources:
        target = inside(stage, into)
        found = origin / source.lstrip("/")
        if found.is_dir():
            shutil.copytree(found, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(found, target / found.name if target.is_dir() else target)


def inside(stage: Stage, path: str) -> Path:
    return stage.root / str(Path(stage.folder) / path).lstrip("/")


def pairs(env: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in env.items()]


def run(
    image: Stage, command: list[str], mounts: Mapping[Path, str], env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """As its user, on a read-only root with a ``/tmp``, without any network."""
    root = shlex.quote(str(image.root))
    steps = [
        f"mount --bind {root} {root}",
        *(f"mount --bind {shlex.quote(str(p))} {root}{at}" for p, at in mounts.items()),
        f"mount -o remount,ro,bind {root}",
        f"mount -t tmpfs tmpfs {root}/tmp",  # noqa: S108  (of its own namespace)
        f"mount -t proc proc {root}/proc",
    ]
    words = ["env", "-i", "-C", image.folder, *pairs(image.env | dict(env)), *command]
    steps.append(f"exec chroot --userspec={image.last['USER']} {root} {shlex.join(words)}")
    isolated = ["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-ec", "\n".join(steps)]
    return subprocess.run(isolated, capture_output=True, text=True, check=False)
