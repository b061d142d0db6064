"""docs/reliability.md from how the marked tests ended."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from benchmarks import markdown
from benchmarks.reliability.catalogue import Key, catalogue

Figures = Mapping[str, tuple[int, int]]
_RAN = ("passed", "failed", "defect")
_KINDS = {
    "cases of broken tables and sources": range(1, 27),
    "cases of hostile models, paths, configurations and texts": range(36, 40),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test ended: passed, failed, skipped, not run, or with a defect that is known.

    ``marks`` are keys of the catalogue, ``figures`` what it counted: so many of so many.
    """

    test: str
    ended: str
    marks: tuple[Key, ...]
    figures: Figures


def page(outcomes: Sequence[Outcome], day: date, oldest: date) -> str:
    """The whole page as Markdown; ``oldest`` is when the first of the tests ran."""
    entries = [_entry(key, said, outcomes) for key, said in catalogue().items()]
    faults = [entry for entry in entries if isinstance(entry["key"], int)]
    figures = _sums(outcomes)
    for what, numbers in _KINDS.items():
        cases = [each for each in outcomes if {*numbers} & {*each.marks} and each.ended in _RAN]
        figures[what] = sum(each.ended == "passed" for each in cases), len(cases)
    return markdown.page(
        "reliability.md",
        day=day,
        oldest=oldest,
        figures=figures,
        promises=[entry for entry in entries if entry not in faults],
        faults=faults,
        ended=_counts(outcomes),
    )


def _entry(key: Key, said: Mapping[str, str], outcomes: Sequence[Outcome]) -> dict[str, object]:
    own = [each for each in outcomes if key in each.marks]
    ended = _counts(own)
    ran = sum(ended.get(what, 0) for what in _RAN)
    shown = [f"{ended.pop('passed', 0)} of {ran} cases"]
    shown += [f"{n} {what}" for what, n in ended.items()]
    shown += [f"{name}: {n} of {of}" for name, (n, of) in _sums(own).items()]
    return {**said, "key": key, "tests": _links(own), "figure": "; ".join(shown)}


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for each in outcomes:
        counts[each.ended] += 1
    return dict(counts)


def _sums(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    """Figures of one name added up over the tests."""
    sums: dict[str, tuple[int, int]] = {}
    for each in outcomes:
        for name, (n, of) in each.figures.items():
            before = sums.get(name, (0, 0))
            sums[name] = before[0] + n, before[1] + of
    return dict(sorted(sums.items()))


def _links(outcomes: Sequence[Outcome]) -> str:
    """The tests in words, each with a link to its file."""
    found = dict.fromkeys(each.test.split("[")[0] for each in outcomes)
    links = []
    for test in found:
        path, *_, name = test.split("::")
        words = name.removeprefix("test_").replace("_", " ")
        links.append(f"[{words}](../{path})")
    return ", ".join(links)
