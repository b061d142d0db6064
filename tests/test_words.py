"""The words of the code: what no name may be, what each module says first, one class for a name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "models", "pipelines")
WORDS = frozenset(
    {
        *("told", "held", "kept", "found", "tried", "said", "heard", "given", "asked", "wanted"),
        *("seen", "made", "judged", "known", "shown", "drawn", "moved", "placed", "taken"),
        *("they", "them", "whom", "ours", "theirs", "mine"),
    }
)
ADJECTIVES = frozenset({"known", "seen"})
"""Words that may stand before a noun, but not alone."""
TERM = "held_out"
"""The term of statistics for an arm or rows that are set aside."""
ALLOWED_NAMES = {
    **dict.fromkeys(("asked", "kept", "kept_text", "kept_untold"), "keys of the letter's texts"),
    "kept_informed": "a driver's name in the simulator's answer key",
    "kept_months": "a key of the configuration",
}
"""Names that may be used in spite of ``WORDS``, each with its reason."""
ALLOWED_CLASSES = {
    "Company": "the section of the configuration, and the simulated company",
    "Economics": "the section of the configuration, and the values for the models",
    "Training": "the section of the configuration, and what the tracking stores",
}
"""Public class names that may stand in several modules, each with its reason."""


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT)


def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def banned(name: str) -> bool:
    """Whether the name is one of the words, or begins with one and is no class."""
    first, *rest = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name) or [""]
    word = first.lower()
    if name in ALLOWED_NAMES or word not in WORDS or name.lower().lstrip("_").startswith(TERM):
        return False
    return not rest or (word not in ADJECTIVES and first in {word, word.upper()})


def names(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and name of the module, and of its classes, functions, parameters and fields.

    Fields are what a class or the module itself assigns: constants are among them.
    """
    yield 1, path.stem
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        if isinstance(node, ast.ClassDef | ast.Module):
            for line in node.body:
                for target in assigned(line):
                    yield line.lineno, target.id


def assigned(line: ast.stmt) -> Iterator[ast.Name]:
    targets = getattr(line, "targets", [getattr(line, "target", None)])
    for target in targets if isinstance(line, ast.Assign | ast.AnnAssign) else ():
        yield from (name for name in ast.walk(target) if isinstance(name, ast.Name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("told", True),
        ("_told", True),
        ("Told", True),
        ("held_levels", True),
        ("known", True),
        ("KEPT_VALUES", True),
        ("_TOLD", True),
        ("known_zone", False),
        ("_HELD_OUT", False),
        ("KnownAt", False),
        ("as_known", False),
        ("foundation", False),
        ("__init__", False),
    ],
)
def test_a_word_is_banned_alone_and_before_another(name, expected):
    assert banned(name) is expected


def test_nothing_is_named_by_a_participle_or_pronoun():
    faults = [
        f"{path}:{line}: {name}"
        for path in modules()
        for line, name in names(path, parsed(path))
        if banned(name)
    ]
    assert not faults, "\n".join(faults)


def test_every_module_says_first_what_it_is():
    faults = []
    for path in modules():
        lines = (ast.get_docstring(parsed(path)) or "").splitlines()
        if not lines or not lines[0].strip() or (len(lines) > 1 and lines[1].strip()):
            faults.append(f"{path}: begin with a line that names it, then an empty one")
    assert not faults, "\n".join(faults)


def test_a_public_class_name_stands_in_one_module():
    places: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path}:{node.lineno}")
    twice = {name for name, where in places.items() if len(where) > 1}
    faults = [f"{name}: {', '.join(places[name])}" for name in sorted(twice - set(ALLOWED_CLASSES))]
    assert not faults, "\n".join(faults)
    assert not set(ALLOWED_CLASSES) - twice, "allowed without need"
