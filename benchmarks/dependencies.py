"""``python -m benchmarks.dependencies``: docs/dependencies.md, what Stille stands on.

Names and versions are those of ``requirements.lock``, the reason of each direct dependency its
comment in ``pyproject.toml``, licences and what comes with it the metadata of what is installed.
Known vulnerabilities are those of the report of pip-audit that ``make audit`` writes; without one,
what the page says of them stays.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from features.markdown import markdown_table

_PAGE = Path("docs/dependencies.md")
_LOCK = Path("requirements.lock")
_REPORT = Path("build/audit/report.json")
_FOUND, _DIRECT = "## Known vulnerabilities\n", "## Direct dependencies\n"
_LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
_GROUP = re.compile(r"^([\w-]+) = \[$")
_DECLARED = re.compile(r'^  "(([\w.-]+).*)",(?:\s+# (.+))?$')
_SHORT = 40


class Direct(NamedTuple):
    """A requirement of ``pyproject.toml``: its group and why it is there, empty without a word."""

    group: str
    name: str
    why: str
    requirement: str


def direct(pyproject: str) -> Iterator[Direct]:
    """The direct dependencies; a group is one of the extras, or ``dependencies``."""
    group = ""
    for line in pyproject.partition("[project.scripts]")[0].splitlines():
        if opened := _GROUP.match(line):
            group = opened[1]
        elif line == "]":
            group = ""
        elif group and (found := _DECLARED.match(line)):
            yield Direct(group, canonicalize_name(found[2]), found[3] or "", found[1])


def locked(lock: str) -> dict[str, list[str]]:
    """The versions of each package, several where they differ by Python or machine."""
    versions: dict[str, list[str]] = {}
    for name, version in _LOCKED.findall(lock):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def licence(package: Distribution) -> str:
    """The licence by its short name, from the fields in which packages write it."""
    metadata = package.metadata
    if expression := metadata.get_all("License-Expression"):
        return str(expression[0])
    written = str((metadata.get_all("License") or [""])[0])
    if written and len(written) < _SHORT and "\n" not in written and written != "UNKNOWN":
        return written
    classified = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    return " or ".join(c.rpartition(" :: ")[2] for c in classified) or "not named"


def _needs(installed: Mapping[str, Distribution], requirement: str) -> set[str]:
    """What a requirement brings along, itself left out."""
    found: set[str] = set()
    todo = [Requirement(requirement)]
    while todo:
        now = todo.pop()
        package = installed.get(canonicalize_name(now.name))
        for text in package.requires or () if package else ():
            need = Requirement(text)
            name = canonicalize_name(need.name)
            wanted = need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in now.extras or {""}
            )
            if wanted and name in installed and name not in found:
                found.add(name)
                todo.append(need)
    return found - {canonicalize_name(Requirement(requirement).name)}


def dependencies_page(page: str) -> str:
    """The page with its tables made anew; its first section, of vulnerabilities, is kept."""
    installed: dict[str, Distribution] = {canonicalize_name(d.name): d for d in distributions()}
    wanted = list(direct(Path("pyproject.toml").read_text("utf-8")))
    versions = locked(_LOCK.read_text("utf-8"))
    bench = locked(_LOCK.with_stem("requirements-bench").read_text("utf-8"))
    brought = {each: _needs(installed, each.requirement) for each in wanted}

    def described(name: str) -> tuple[str, str]:
        known = installed.get(name)
        version = versions.get(name) or bench.get(name) or ["not locked"]
        return ", ".join(version), licence(known) if known else "not installed here"

    names = {each.name for each in wanted}
    rows = []
    for each in wanted:
        others = sorted(set().union(*(brought[o] for o in wanted if o.name != each.name)))
        alone = sorted(brought[each] - set(others) - names)
        own = f"{len(brought[each])}" + (f"; by it alone: {', '.join(alone)}" if alone else "")
        rows.append((each.name, each.group, *described(each.name), each.why, own))
    rest = (
        (
            name,
            *described(name),
            ", ".join(dict.fromkeys(d.name for d in wanted if name in brought[d])),
        )
        for name in versions
        if name not in names
    )
    lines = [
        page.partition(_DIRECT)[0] + _DIRECT,
        *markdown_table(("package", "for", "version", "licence", "why", "brings along"), rows),
        "\n## The others\n",
        *markdown_table(("package", "version", "licence", "comes with"), rest),
    ]
    return "\n".join(lines) + "\n"


def findings(report: str, day: str) -> str:
    """What pip-audit found, in words; what it could not ask counts as not known, never as good."""
    packages = json.loads(report)["dependencies"]
    asked = [each for each in packages if "vulns" in each]
    rows = [
        (each["name"], each["version"], found["id"], ", ".join(found["fix_versions"]) or "none yet")
        for each in asked
        for found in each["vulns"]
    ]
    silent = len(packages) - len(asked)
    head = (
        f"Asked on {day} about {len(packages)} packages: {len(rows)} known vulnerabilities in the "
        f"{len(asked)} of which the index told, and nothing is known of the other {silent}."
    )
    table = markdown_table(("package", "version", "vulnerability", "mended in"), rows)
    return "\n".join([head, "", *table]) if rows else head


def main() -> None:
    page = _PAGE.read_text("utf-8")
    if _REPORT.is_file():
        day = datetime.fromtimestamp(_REPORT.stat().st_mtime, UTC).date().isoformat()
        said = findings(_REPORT.read_text("utf-8"), day)
        print(said)
        before, after = page.partition(_FOUND)[0], page.partition(_DIRECT)[2]
        page = f"{before}{_FOUND}\n{said}\n\n{_DIRECT}{after}"
    _PAGE.write_text(dependencies_page(page), "utf-8")


if __name__ == "__main__":
    main()
