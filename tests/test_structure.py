"""The structure's figures on a small tree, counted by hand, and each bound when it is crossed."""

import pytest

from benchmarks import structure
from benchmarks.structure import Limits, Structure, read, violations

TREE = {
    "layout_base/__init__.py": "",
    "layout_base/time.py": "NOW = 1\n",
    "layout_lib/__init__.py": "",
    "layout_lib/total.py": "from layout_base.time import NOW\n",
    "layout_lib/parts/__init__.py": "",
    "layout_lib/parts/one.py": "ONE = 1\n" * 9,
    "layout_lib/parts/words.yaml": "a: 1\n" * 30,
    "layout_app/__init__.py": "",
    "layout_app/__main__.py": "from layout_app.cli import main\n",
    "layout_app/cli.py": "def main():\n    from layout_app.work import run\n",
    "layout_app/clock.py": "from layout_base import time\n",
    "layout_app/work/__init__.py": "",
    "layout_app/work/run.py": "import layout_lib.total\nfrom layout_app.store import files\n",
    "layout_app/work/names.py": "",
    "layout_app/store/__init__.py": "",
    "layout_app/store/files.py": "import layout_app.clock\nimport layout_app.work.names\n",
}
PROJECT = """
[tool.importlinter]
root_packages = ["layout_base", "layout_lib", "layout_app"]

[[tool.importlinter.contracts]]
name = "Other kinds of contract are not read"
type = "forbidden"
source_modules = ["layout_base"]
forbidden_modules = ["layout_app"]

[[tool.importlinter.contracts]]
name = "Down only"
type = "layers"
layers = ["layout_app.cli", "layout_app.work", "{siblings}", "layout_lib", "layout_base"]

[tool.stille.structure.bounds]
circles = {circles}

[tool.stille.structure.declarations]
{declarations}
"""
FIGURES = {
    "rooms": 6,  # base, lib, cli, clock, work, store
    "loose": 2,  # cli, clock
    "flat": 1,  # lib.total
    "layers": 4,  # cli > work + store > clock (or lib) > base
    "back": 2,  # store.files -> work.names; store.files -> clock
    "outside": 0,
    "circles": 1,  # work + store
    "longest": 9,
    "median": 1,  # of 0 (seven times), 1 (four), 2 (three) and 9
    "lines": 49,  # of modules 19
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Write the tree, with the project's file filled in, and read it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(siblings="layout_app.store | layout_app.clock", circles=1, declarations=""):
        for name, text in TREE.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        text = PROJECT.format(siblings=siblings, circles=circles, declarations=declarations)
        (tmp_path / "pyproject.toml").write_text(text)
        return read(tmp_path, application="layout_app", library="layout_lib")

    return make


def test_the_figures_are_those_counted_by_hand(tree):
    found, _ = tree()
    assert found.figures() == FIGURES
    assert found.circles == [["layout_app.store", "layout_app.work"]]
    assert found.back == [
        ("layout_app.store.files", "layout_app.clock"),
        ("layout_app.store.files", "layout_app.work.names"),
    ]
    assert found.chain[:2] == ["layout_app.cli", "layout_app.store + layout_app.work"]
    assert found.chain[-1] == "layout_base"


def test_siblings_that_may_import_each_other_do_not_run_back(tree):
    found, _ = tree(siblings="layout_app.store : layout_app.clock")
    assert found.back == [("layout_app.store.files", "layout_app.work.names")]


def test_a_room_that_no_layer_names_is_outside(tree):
    found, _ = tree(siblings="(layout_app.store.files)")
    assert found.outside == ["layout_app.clock"]


@pytest.mark.parametrize("name", FIGURES)
def test_each_bound_fails_when_it_is_crossed_and_not_before(tree, name):
    found, _ = tree()
    assert violations(found, Limits(FIGURES, {})) == []
    [fault] = violations(found, Limits({**FIGURES, name: FIGURES[name] - 1}, {}))
    assert fault.startswith(f"{name}: {FIGURES[name]}, allowed: {FIGURES[name] - 1}")


def test_a_declaration_may_be_longer_and_has_to_be(tree):
    found, limits = tree(declarations='"layout_lib/parts/one.py" = "a list of ones"')
    assert found.longest[0] == 2
    assert violations(found, Limits({"longest": 2}, limits.declarations)) == []
    needless = {"layout_lib/total.py": "is short"}
    [fault] = violations(found, Limits({"longest": 2}, needless))
    assert "layout_lib/total.py is not longer than a module may be" in fault


def test_a_bound_of_no_figure_is_an_error(tree):
    found, _ = tree()
    assert violations(found, Limits({"romms": 3}, {})) == ["romms: there is no such figure"]


@pytest.mark.parametrize(("circles", "code"), [(1, 0), (0, 1)])
def test_the_command_fails_with_the_bound(tree, capsys, monkeypatch, circles, code):
    made: tuple[Structure, Limits] = tree(circles=circles)
    monkeypatch.setattr(structure, "read", lambda root: made)
    assert structure.main() == code
    out, err = capsys.readouterr()
    assert "layout_lib/parts" in out
    assert ("FAILED circles: 1, allowed: 0" in err) is bool(code)
