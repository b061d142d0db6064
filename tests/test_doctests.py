"""The examples in the packages' docstrings are run."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules_with_examples() -> list[str]:
    packages = ("features", "models", "pipelines", "benchmarks")
    paths = (path for name in packages for path in (ROOT / name).rglob("*.py"))
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in paths
        if ">>> " in path.read_text("utf-8")
    )


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_are_true(name, capsys):
    failures, examples = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert examples > 0
    assert failures == 0, capsys.readouterr().out
