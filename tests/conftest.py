import os
from pathlib import Path

import browser
import postgres_server
import pytest
import yaml
from hypothesis import settings
from programs import pytest_terminal_summary, required

from pipelines.config.settings import load_settings

__all__ = ["pytest_terminal_summary"]

# How long an example takes says more of the machine than of the product.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent
_MEMORY, _LONG = "test_files_that_expand.py", ("test_notebooks.py", "test_leaks.py")


def _turn(item):
    long = item.path.name in _LONG or item.path.parent.name == "jobs"
    return 0 if item.path.name == _MEMORY else 1 if long else 2


def pytest_collection_modifyitems(items):
    """Tell with each test's outcome which promises and faults it is marked with.

    Long modules go first, so that no process waits for another one at the end; before them what
    measures the memory of its process, which must be young for that.
    """
    items.sort(key=_turn)
    for item in items:
        for name in ("promise", "fault"):
            for marker in item.iter_markers(name):
                item.user_properties += [("marked", key) for key in marker.args]


@pytest.fixture
def root():
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def postgresql():
    """Folder of PostgreSQL's programs."""
    return required("PostgreSQL", postgres_server.binaries(), "apt-get install postgresql")


@pytest.fixture(scope="session")
def chromium():
    """Path of the browser."""
    return required("Chromium", browser.chromium(), "apt-get install chromium")


@pytest.fixture
def example_data(monkeypatch):
    """Folder of the public data sets; the test is skipped where they are not."""
    folder = Path(os.environ.get("STILLE_EXAMPLE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not at {folder}; set STILLE_EXAMPLE_DATA")
    monkeypatch.setenv("STILLE_EXAMPLE_DATA", str(folder))
    return folder


@pytest.fixture
def company(tmp_path):
    """Make settings for a small company whose files lie in ``tmp_path / "data"``.

    ``files`` maps names to text or bytes; ``sources`` is the config's section; further
    keywords replace whole sections. ``customers.csv`` with 1 and 2 is there unless given.
    A source is known without delay, and attributes are static, unless it says otherwise.
    """

    def make(files=None, sources=None, **sections):
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        contents = {"customers.csv": "customer_id,joined_on\n1,2020-01-01\n2,2021-06-01\n"}
        for name, content in {**contents, **(files or {})}.items():
            body = content if isinstance(content, bytes) else content.encode()
            (data / name).write_bytes(body)
        document = {
            "company": {
                "name": "Test",
                "timezone": "Europe/Oslo",
                "currency": "NOK",
                "language": "nb",
            },
            "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
            "sources": {
                name: _declared(source)
                for name, source in {
                    "customers": {"path": "customers.csv"},
                    **(sources or {}),
                }.items()
            },
            "training": {"first_as_of": "2023-01-01"},
            **sections,
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return load_settings(path)

    return make


def _declared(source):
    return {"known_delay_days": 0, "static": True, **source}
