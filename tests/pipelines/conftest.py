"""One small simulated company, trained once and published once; tests copy what they change."""

import atexit
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from filelock import FileLock

from pipelines.cli.app import _mute_teardown
from pipelines.runtime.environment import quiet_libraries

# As on the command line: DuckDB's binding reports leaks at exit while Prefect's threads live on.
atexit.register(_mute_teardown)
_HOME = tempfile.TemporaryDirectory(prefix="stille-prefect-")
atexit.register(_HOME.cleanup)
os.environ["PREFECT_HOME"] = _HOME.name
quiet_libraries()

from pipelines.config.settings import load_settings  # noqa: E402
from pipelines.jobs.entry import NIGHTLY, TRAIN  # noqa: E402
from pipelines.jobs.nightly import Night  # noqa: E402
from pipelines.matrices.store import open_store  # noqa: E402
from pipelines.runtime.secret_keys import HOLDOUT, key_of  # noqa: E402
from pipelines.simulator.simulate import simulate  # noqa: E402
from pipelines.training.result import TrainingResult  # noqa: E402

ROOT = Path(__file__).parents[2]
CUSTOMERS, MONTHS, SEED = 2_000, 26, 3
AS_OF = date(2024, 3, 1)


@dataclass(frozen=True, slots=True)
class Demo:
    """A company with a champion and one published night of ``as_of``."""

    folder: Path
    document: Mapping[str, Any]
    as_of: date

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def champion(self) -> Path:
        """The folder in which the first registered model's files are stored."""
        stored = self.var.glob("mlartifacts/**/spec.json")
        return min(stored, key=lambda path: path.stat().st_mtime_ns).parent

    def config_in(self, folder: Path, data: Path | None = None, **sections: Any) -> Path:
        """A config with folders of its own under ``folder``, the company's registry and key.

        ``sections`` are merged into the document, two levels deep; None removes a key.
        """
        document = deepcopy(dict(self.document))
        document["paths"] = {
            "data": str(data or self.data),
            "var": str(folder / "var"),
            "out": str(folder / "out"),
        }
        key_of(HOLDOUT, self.var)  # makes it where no night has
        (folder / "var").mkdir(exist_ok=True)
        shutil.copy(self.var / "holdout.key", folder / "var")
        document["tracking"]["uri"] = f"sqlite:///{self.var / 'mlflow.db'}"
        document["list"]["languages"] = ["nb"]  # the published night has all three
        for name, changes in sections.items():
            section = document.setdefault(name, {})
            section |= changes
            document[name] = {key: value for key, value in section.items() if value is not None}
        return write_config(folder / "config.yaml", document)


def write_config(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(dict(document)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def _at_root() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield


@pytest.fixture(scope="session")
def _company(tmp_path_factory: pytest.TempPathFactory, _at_root: None) -> Demo:
    folder = tmp_path_factory.mktemp("company")
    simulate(folder / "data", customers=CUSTOMERS, months=MONTHS, seed=SEED)
    document = yaml.safe_load(Path("configs/demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(folder / name) for name in ("data", "var", "out")}
    document["training"] |= {"seeds": 1, "bootstrap": 20}
    # The processes of the tests share the cores; a model is the same on any number of threads.
    if "PYTEST_XDIST_WORKER" in os.environ:
        document["engine"]["threads"] = 1
    write_config(folder / "config.yaml", document)
    return Demo(folder, document, AS_OF)


@pytest.fixture(scope="session")
def trained(_company: Demo) -> TrainingResult:
    """What the one plain training run returned; an old night's matrix lay in its store."""
    store = open_store(load_settings(_company.config), 1)
    (store.root / "as_of=2022-01-15").mkdir(parents=True)
    return TRAIN.start(_company.config, AS_OF)


@pytest.fixture(scope="session")
def _published(_company: Demo, trained: TrainingResult) -> Night:
    return NIGHTLY.start(_company.config, AS_OF)


@pytest.fixture
def demo(_company: Demo, trained: TrainingResult, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """The trained company; the working directory is the repository's root."""
    monkeypatch.chdir(ROOT)
    return _company


@pytest.fixture
def published(_published: Night, demo: Demo) -> Night:
    """The published night of ``demo``; its folders must not be changed."""
    return _published


@pytest.fixture
def copied(demo: Demo, published: Night, tmp_path: Path) -> Path:
    """A folder with copies of the published ``out`` and of ``data``, both free to be changed."""
    shutil.copytree(demo.out, tmp_path / "out", symlinks=True)
    shutil.copytree(demo.data / "tables", tmp_path / "data" / "tables")
    return tmp_path


@pytest.fixture(scope="session")
def small_company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company of 400 customers with a champion and a list, made once for all processes.

    Its folder must not be changed: ``commands.copy`` makes a copy that runs.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, driver = shared / "small-company", ROOT / "tests" / "helpers" / "commands.py"
    with FileLock(shared / "small-company.lock"):
        if not folder.exists():
            folder.mkdir()
            command = [sys.executable, str(driver), "make", str(folder)]
            subprocess.run(command, capture_output=True, check=True)
    return folder


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Give the loggers back as they were, as a command's lines end with it."""
    loggers = logging.getLogger(), logging.getLogger("stille")
    before = [([*each.handlers], [*each.filters], each.level) for each in loggers]
    yield
    logging.captureWarnings(False)
    for logger, (handlers, filters, level) in zip(loggers, before, strict=True):
        for handler in {*logger.handlers} - {*handlers}:
            logger.removeHandler(handler)
        logger.filters = filters
        logger.setLevel(level)


@pytest.fixture
def stille(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_logging: None
) -> Callable[..., Ended]:
    """Run a command line as the console script does, in this process."""
    from pipelines.cli import app

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(app.atexit, "register", lambda _: None)

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["stille", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run
