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
    Lines of all modules.
"""

import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

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
    """Import graph, layers contracts (each top to bottom) and lines by module.

    ``application`` is the package whose direct children are rooms, ``library`` the one whose
    modules are counted.
    """

    graph: grimp.ImportGraph
    contracts: Sequence[Sequence["Layer"]]
    lines: Mapping[str, int]
    declarations: Collection[str] = ()
    application: str = APPLICATION
    library: str = LIBRARY

    def room_of(self, module: str) -> str | None:
        """The room that a module is in; None for the application itself and its entry point."""
        first, *rest = module.split(".")
        if first != self.application:
            return first
        return None if rest in ([], [_ENTRY]) else f"{first}.{rest[0]}"

    @cached_property
    def rooms(self) -> frozenset[str]:
        """All rooms."""
        return frozenset(filter(None, map(self.room_of, self.graph.modules)))

    @cached_property
    def loose(self) -> list[str]:
        """Rooms that are modules of the application package, sorted."""
        return sorted(
            room
            for room in self.rooms & self.graph.find_children(self.application)
            if not self.graph.find_children(room)
        )

    @cached_property
    def flat_modules(self) -> list[str]:
        """Modules directly in the flat package, sorted."""
        return sorted(
            module
            for module in self.graph.find_children(self.library)
            if not self.graph.find_children(module)
        )

    @cached_property
    def imports(self) -> list[tuple[str, str]]:
        """Importing and imported module, sorted."""
        return sorted(
            (module, other)
            for module in self.graph.modules
            for other in self.graph.find_modules_directly_imported_by(module)
        )

    @cached_property
    def dependencies(self) -> Mapping[str, frozenset[str]]:
        """The other rooms that each room imports."""
        others: dict[str, set[str]] = {room: set() for room in self.rooms}
        for importer, imported in self.imports:
            room, other = self.room_of(importer), self.room_of(imported)
            if room and other and room != other:
                others[room].add(other)
        return {room: frozenset(each) for room, each in others.items()}

    @cached_property
    def circles(self) -> list[list[str]]:
        """Groups of rooms that can all reach each other, each sorted."""
        groups = {self._circle_of(room) for room in self.rooms}
        return sorted(sorted(group) for group in groups if len(group) > 1)

    @cached_property
    def chain(self) -> list[str]:
        """The longest chain of imports between rooms, top first; a circle is one link."""
        links = {room: " + ".join(sorted(self._circle_of(room))) for room in self.rooms}
        below: dict[str, set[str]] = {}
        for room, others in self.dependencies.items():
            link = links[room]
            below.setdefault(link, set()).update({links[other] for other in others} - {link})
        longest: dict[str, list[str]] = {}
        for link in TopologicalSorter(below).static_order():
            deepest = max((longest[other] for other in sorted(below[link])), key=len, default=[])
            longest[link] = [link, *deepest]
        return max(longest.values(), key=lambda chain: (len(chain), chain), default=[])

    @cached_property
    def back(self) -> list[tuple[str, str]]:
        """Imports against one of the layers contracts."""
        return [
            (importer, imported)
            for importer, imported in self.imports
            if any(_against(contract, importer, imported) for contract in self.contracts)
        ]

    @cached_property
    def outside(self) -> list[str]:
        """Rooms that no layers contract knows."""
        named = [name for contract in self.contracts for layer in contract for name in layer.names]
        return sorted(
            room
            for room in self.rooms
            if not any(_inside(room, name) or _inside(name, room) for name in named)
        )

    @property
    def longest(self) -> tuple[int, str]:
        """Lines and name of the longest module that is no declaration."""
        return max((n, name) for name, n in self.lines.items() if name not in self.declarations)

    def figures(self) -> dict[str, int]:
        """Each figure that can have a bound."""
        return {
            "rooms": len(self.rooms),
            "loose": len(self.loose),
            "flat": len(self.flat_modules),
            "layers": len(self.chain),
            "back": len(self.back),
            "outside": len(self.outside),
            "circles": len(self.circles),
            "longest": self.longest[0],
            "median": round(median(self.lines.values())),
            "lines": sum(self.lines.values()),
        }

    def _circle_of(self, room: str) -> frozenset[str]:
        return frozenset({room, *(r for r in self._below[room] if room in self._below[r])})

    @cached_property
    def _below(self) -> Mapping[str, frozenset[str]]:
        """The rooms that each room can reach."""
        return {room: self._reach(room) for room in self.rooms}

    def _reach(self, room: str) -> frozenset[str]:
        reach: set[str] = set()
        queue = [room]
        while queue:
            fresh = self.dependencies[queue.pop()] - reach
            reach |= fresh
            queue += fresh
        return frozenset(reach)


@dataclass(frozen=True, slots=True)
class Layer:
    """The packages of one layer, and whether they must not import each other."""

    names: tuple[str, ...]
    independent: bool

    def place(self, module: str) -> str | None:
        """The layer's package that a module is in."""
        return next((name for name in self.names if _inside(module, name)), None)


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
        [c for each in linter.get("contracts", []) for c in layers_of(each)],
        lines_of(root, packages),
        limits.declarations,
        application,
        library,
    )
    return structure, limits


def layers_of(contract: Mapping[str, object]) -> Iterator[list[Layer]]:
    """The layers of an import-linter contract, once for each of its containers.

    >>> [layer.names for layer in next(layers_of({"type": "layers", "layers": ["b | c", "(a)"]}))]
    [('b', 'c'), ('a',)]
    """
    if contract["type"] != "layers":
        return
    layers, containers = contract["layers"], contract.get("containers", [""])
    if not isinstance(layers, list) or not isinstance(containers, list):
        raise TypeError(f"layers and containers are lists: {contract}")
    for container in containers:
        prefix = f"{container}." if container else ""
        yield [
            Layer(
                tuple(f"{prefix}{name.strip(' ()')}" for name in re.split(r"[|:]", layer)),
                independent=":" not in layer,
            )
            for layer in layers
        ]


def lines_of(root: Path, packages: Sequence[str]) -> dict[str, int]:
    """Lines of each file of the packages, by its path from ``root``."""
    return {
        path.relative_to(root).as_posix(): len(path.read_bytes().splitlines())
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
    }


def violations(structure: Structure, limits: Limits) -> list[str]:
    """What is beyond its bound, and declarations that are none any more; empty if all is well."""
    figures = structure.figures()
    unknown = [f"{name}: there is no such figure" for name in limits.bounds.keys() - figures.keys()]
    beyond = [
        f"{name}: {figures[name]:,}, allowed: {bound:,}{_example(structure, name)}"
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
    rows = [
        f"{name:<9} {value:>7,}  {_bound(limits.bounds.get(name))}{_example(structure, name)}"
        for name, value in structure.figures().items()
    ]
    packages: dict[str, int] = {}
    for path, n in structure.lines.items():
        folder = path.rpartition("/")[0]
        packages[folder] = packages.get(folder, 0) + n
    by_package = [f"{name:<24} {n:>7,}" for name, n in sorted(packages.items())]
    exempt = [
        f"{name}: {structure.lines.get(name, 0):,} lines, {reason}"
        for name, reason in limits.declarations.items()
    ]
    return "\n".join([*rows, "", "lines by package", *by_package, *exempt])


def main(root: Path = Path()) -> int:
    """Print the figures; 1 when a bound is crossed."""
    structure, limits = read(root)
    print(report(structure, limits))
    for fault in violations(structure, limits):
        print(f"FAILED {fault}", file=sys.stderr)
    return int(bool(violations(structure, limits)))


def _bound(bound: int | None) -> str:
    return " " * 12 if bound is None else f"<= {bound:<9,}"


def _example(structure: Structure, name: str) -> str:
    """What to look at first when a figure is too high."""
    shown = {
        "loose": structure.loose,
        "layers": structure.chain,
        "back": [f"{importer} -> {imported}" for importer, imported in structure.back],
        "outside": structure.outside,
        "circles": [" + ".join(circle) for circle in structure.circles],
        "longest": [structure.longest[1]],
    }.get(name, [])
    if not shown:
        return ""
    if name == "layers":
        return f"  ({' > '.join(shown)})"
    more = [f"{len(shown) - _SHOWN:,} more"] if len(shown) > _SHOWN else []
    return f"  ({', '.join([*shown[:_SHOWN], *more])})"


def _against(contract: Sequence[Layer], importer: str, imported: str) -> bool:
    """Whether the import runs up, or between independent siblings; 0 is the top layer."""
    places = [
        (depth, place)
        for module in (importer, imported)
        for depth, layer in enumerate(contract)
        if (place := layer.place(module))
    ]
    if len(places) < 2:
        return False
    (depth, place), (other, target) = places
    return other < depth or (other == depth and place != target and contract[depth].independent)


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


if __name__ == "__main__":
    sys.exit(main())
