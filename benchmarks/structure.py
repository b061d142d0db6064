"""``python -m benchmarks.structure``: size and dependency metrics of the packages, with bounds.

The bounds stand in ``[tool.stille.structure]`` of ``pyproject.toml``; a figure above its bound ends
with exit code 1, so the layout can only get better. The graph is grimp's, the library below
import-linter: static imports, late ones and those for type checking only included.

room
    ``features``, ``models``, and each direct child of ``pipelines``: a package, or a loose module.
    ``pipelines/cli/__main__.py`` is Python's own entry point and no room.
loose
    Rooms that are a single module beside ``pipelines/__init__.py``.
flat
    Modules directly in ``models``, beside its ``__init__.py``.
layers
    Rooms on the longest chain of imports between rooms, rooms of one circle counted as one.
back
    Imports from one module to another against a layers contract of ``[tool.importlinter]``: up to
    a higher layer, or between siblings that are to be independent (``|``).
outside
    Rooms of which no layers contract names the whole, a part, or a package around it.
circles
    Groups of rooms that can all reach each other.
median, longest
    Lines of a module; the ``declarations`` named beside the bounds are not counted for the longest.
lines
    Lines of all files: modules, declarations in YAML, templates.
"""

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import grimp

APPLICATION = "pipelines"
LIBRARY = "models"
_ENTRY = "__main__"
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds by figure, and the long modules that are declarations, each with its reason."""

    bounds: Mapping[str, int]
    declarations: Mapping[str, str]


@dataclass(frozen=True)
class Structure:
    """Import graph, import-linter's layers contracts and lines by file.

    ``application`` is the package whose direct children are rooms, ``library`` the one whose
    modules are counted.
    """

    graph: grimp.ImportGraph
    contracts: Sequence[Mapping[str, Any]]
    lines: Mapping[str, int]
    declarations: Collection[str] = ()
    application: str = APPLICATION
    library: str = LIBRARY

    @cached_property
    def modules(self) -> dict[str, int]:
        """Lines of each file of Python."""
        return {name: n for name, n in self.lines.items() if name.endswith(".py")}

    @cached_property
    def rooms(self) -> frozenset[str]:
        """All rooms."""
        parts = self.graph.find_children(self.application) - {f"{self.application}.{_ENTRY}"}
        packages = {module.partition(".")[0] for module in self.graph.modules}
        return frozenset(parts | packages - {self.application})

    @cached_property
    def between(self) -> grimp.ImportGraph:
        """The graph with each room a single module."""
        graph = deepcopy(self.graph)
        for room in self.rooms:
            graph.squash_module(room)
        return graph

    def modules_in(self, package: str) -> list[str]:
        """Modules directly in a package, sorted."""
        children = self.graph.find_children(package)
        return sorted(child for child in children if not self.graph.find_children(child))

    @cached_property
    def loose(self) -> list[str]:
        """Rooms that are modules of the application package, sorted."""
        return [m for m in self.modules_in(self.application) if m in self.rooms]

    @cached_property
    def circles(self) -> list[list[str]]:
        """Groups of rooms that can all reach each other, each sorted."""
        groups = set(self._circle_of.values())
        return sorted(sorted(group) for group in groups if len(group) > 1)

    @cached_property
    def chain(self) -> list[str]:
        """The longest chain of imports between rooms, top first; a circle is one link."""
        links = {room: " + ".join(sorted(circle)) for room, circle in self._circle_of.items()}
        below: dict[str, set[str]] = {link: set() for link in links.values()}
        for room, link in links.items():
            others = self.between.find_modules_directly_imported_by(room) & self.rooms
            below[link] |= {links[other] for other in others} - {link}
        longest: dict[str, list[str]] = {}
        for link in TopologicalSorter(below).static_order():
            deepest = max((longest[other] for other in sorted(below[link])), key=len, default=[])
            longest[link] = [link, *deepest]
        return max(longest.values(), key=lambda chain: (len(chain), chain), default=[])

    @cached_property
    def back(self) -> list[tuple[str, str]]:
        """Imports against one of the layers contracts, importing and imported module, sorted."""
        against = set()
        for contract in self.contracts:
            layers = [
                grimp.Layer(*packages_of(layer), independent=":" not in layer)
                for layer in contract["layers"]
            ]
            containers = set(contract.get("containers", ())) or None
            for found in self.graph.find_illegal_dependencies_for_layers(layers, containers):
                direct = (route for route in found.routes if not route.middle)
                against |= {pair for route in direct for pair in product(route.heads, route.tails)}
        return sorted(against)

    @cached_property
    def outside(self) -> list[str]:
        """Rooms that no layers contract knows."""
        names = [
            f"{container}.{name}.".lstrip(".")
            for contract in self.contracts
            for container, layer in product(contract.get("containers", [""]), contract["layers"])
            for name in packages_of(layer)
        ]
        return sorted(
            room
            for room in self.rooms
            if not any(f"{room}.".startswith(n) or n.startswith(f"{room}.") for n in names)
        )

    @property
    def longest(self) -> tuple[int, str]:
        """Lines and name of the longest module that is no declaration."""
        return max((n, name) for name, n in self.modules.items() if name not in self.declarations)

    def figures(self) -> dict[str, int]:
        """Each figure that can have a bound."""
        return {
            "rooms": len(self.rooms),
            "loose": len(self.loose),
            "flat": len(self.modules_in(self.library)),
            "layers": len(self.chain),
            "back": len(self.back),
            "outside": len(self.outside),
            "circles": len(self.circles),
            "longest": self.longest[0],
            "median": round(median(self.modules.values())),
            "lines": sum(self.lines.values()),
        }

    def example(self, name: str) -> str:
        """What to look at first when a figure is too high; empty where there is nothing."""
        if name == "layers":
            return f"  ({' > '.join(self.chain)})"
        shown = {
            "loose": self.loose,
            "back": [" -> ".join(pair) for pair in self.back],
            "outside": self.outside,
            "circles": [" + ".join(circle) for circle in self.circles],
            "longest": [self.longest[1]],
        }.get(name, [])
        more = [f"{len(shown) - _SHOWN:,} more"] if len(shown) > _SHOWN else []
        return f"  ({', '.join([*shown[:_SHOWN], *more])})" if shown else ""

    @cached_property
    def _circle_of(self) -> dict[str, frozenset[str]]:
        below = {room: self.between.find_upstream_modules(room) & self.rooms for room in self.rooms}
        return {
            room: frozenset({room, *(r for r in reach if room in below[r])})
            for room, reach in below.items()
        }


def read(
    root: Path, *, application: str = APPLICATION, library: str = LIBRARY
) -> tuple[Structure, Limits]:
    """Read ``pyproject.toml`` below ``root`` and the packages that it names.

    The packages must be importable from ``root`` (``sys.path``).
    """
    tools = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]
    linter, section = tools["importlinter"], tools["stille"]["structure"]
    packages = linter["root_packages"]
    limits = Limits(section["bounds"], section.get("declarations", {}))
    structure = Structure(
        grimp.build_graph(*packages, cache_dir=None),
        [each for each in linter.get("contracts", ()) if each["type"] == "layers"],
        lines_of(root, packages),
        limits.declarations,
        application,
        library,
    )
    return structure, limits


def packages_of(layer: str) -> list[str]:
    """The packages of one layer as import-linter writes it.

    >>> packages_of("b | x.c : (a)")
    ['b', 'x.c', 'a']
    """
    return re.findall(r"[\w.]+", layer)


def lines_of(root: Path, packages: Sequence[str]) -> dict[str, int]:
    """Lines of each file of the packages, by its path from ``root``."""
    return {
        path.relative_to(root).as_posix(): len(path.read_bytes().splitlines())
        for package in packages
        for path in sorted((root / package).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def violations(structure: Structure, limits: Limits) -> list[str]:
    """What is beyond its bound, and declarations that are none any more; empty if all is well."""
    figures = structure.figures()
    unknown = [f"{name}: there is no such figure" for name in limits.bounds.keys() - figures.keys()]
    beyond = [
        f"{name}: {figures[name]:,}, allowed: {bound:,}{structure.example(name)}"
        for name, bound in limits.bounds.items()
        if figures.get(name, 0) > bound
    ]
    needless = [
        f"declarations: {name} is not longer than a module may be"
        for name in limits.declarations
        if structure.lines.get(name, 0) <= limits.bounds.get("longest", 0)
    ]
    return [*sorted(unknown), *beyond, *needless]


def report(structure: Structure, limits: Limits) -> str:
    """The figures with their bounds, lines by package, and what stands behind the figures."""
    bounds = {name: f"<= {bound:<9,}" for name, bound in limits.bounds.items()}
    rows = [
        f"{name:<9} {value:>7,}  {bounds.get(name, ''):12}{structure.example(name)}"
        for name, value in structure.figures().items()
    ]
    packages: Counter[str] = Counter()
    for path, n in structure.lines.items():
        packages[path.rpartition("/")[0]] += n
    by_package = [f"{name:<24} {n:>7,}" for name, n in sorted(packages.items())]
    exempt = [
        f"{name}: {structure.lines.get(name, 0):,} lines, {reason}"
        for name, reason in limits.declarations.items()
    ]
    return "\n".join([*rows, "", "lines by package", *by_package, *exempt])


def main(root: Path = Path()) -> int:
    """Print the figures; 1 when a bound is crossed."""
    structure, limits = read(root)
    faults = violations(structure, limits)
    print(report(structure, limits))
    for fault in faults:
        print(f"FAILED {fault}", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
