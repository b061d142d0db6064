"""Champion history by the registry's tags: who was champion within a year, who was compared."""

from collections.abc import Mapping
from datetime import date, timedelta

from pipelines.tracking import Registered

_YEAR = timedelta(days=365)


def champions_of_year(versions: Mapping[str, Registered], as_of: date) -> tuple[Registered, ...]:
    """Versions that were champion within the year before ``as_of``, oldest first.

    Those trained within it and promoted, and those whom they replaced. Dates are of training, not
    the clock's, so that a past as-of date decides as it did then. What was rolled back is none.
    """
    promoted = [v for v in versions.values() if "promoted_at" in v.tags and _within(v, as_of)]
    numbers = {v.version for v in promoted} | {v.tags.get("promoted_over", "") for v in promoted}
    found = (versions[number] for number in sorted(numbers & versions.keys(), key=int))
    return tuple(version for version in found if "rolled_back_at" not in version.tags)


def compared_within_year(
    versions: Mapping[str, Registered], challenger: Registered, as_of: date
) -> int:
    """How many challengers were compared with a champion in the year, ``challenger`` included.

    Versions with a verdict after the first champion; the same files count once. A recalibration
    is no challenger: it is checked against its parent only.
    """
    first = min((int(v.version) for v in versions.values() if "promoted_at" in v.tags), default=0)
    compared = {
        version.digest
        for version in versions.values()
        if "verdict" in version.tags
        and "parent_version" not in version.tags
        and int(version.version) > first > 0
        and _within(version, as_of)
    }
    return len(compared | {challenger.digest})


def trained_version(versions: Mapping[str, Registered], version: Registered) -> Registered:
    """The version whose training fitted these boosters: of a recalibration, its parent's."""
    parent = versions.get(version.tags.get("parent_version", ""))
    if parent is None or int(parent.version) >= int(version.version):
        return version
    return trained_version(versions, parent)


def _within(version: Registered, as_of: date) -> bool:
    """Whether it was trained in the year up to ``as_of``; ISO dates compare as text."""
    return str(as_of - _YEAR) < version.tags.get("known_before", "") <= str(as_of)
