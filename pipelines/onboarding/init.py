"""``stille init``: a drafted configuration that a person confirms line by line."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from features.errors import ConfigError, StilleError
from pipelines.config.settings import load_settings
from pipelines.onboarding.config_text import Firm, config_text
from pipelines.onboarding.draft import Draft, draft, group_files
from pipelines.onboarding.matching import Match
from pipelines.runtime.atomic_files import storage_errors


@dataclass(frozen=True, slots=True)
class Dialog:
    """How a person is asked (yes or no) and told. Names and forms of columns, never a value."""

    confirm: Callable[[str], bool]
    show: Callable[[str], None]


def initialise(folder: Path, into: Path, firm: Firm, today: date, dialog: Dialog) -> Path:
    """Write a configuration for the files of ``folder`` to ``into``; never over another.

    Every mapping is asked about. Raises ``ConfigError`` when ``into`` is there, or when no file
    is confirmed as the customers table.
    """
    if into.exists():
        raise ConfigError(f"{into} is there already and is never overwritten; give another --to")
    groups = group_files(folder)
    drafts = draft(groups)
    for each in groups:
        if all(each is not other.files for other in drafts):
            dialog.show(f"{each.path}: resembles no table of the contract; left out")
    confirmed = [_confirmed(each, dialog) for each in drafts]
    usable = [each for each in confirmed if each is not None]
    if "customers" not in {each.table.name for each in usable}:
        raise ConfigError(
            f"{folder}: no file was confirmed as customers, the one table that is needed. It has "
            "one row per customer and a key; name it customers.csv or kunder.csv, or write the "
            "configuration by hand: docs/data-contract.md."
        )
    _write(into, config_text(folder, usable, firm, today))
    assumed = [each.table.name for each in usable if not _says_when_known(each)]
    if assumed:
        dialog.show(
            f"to confirm in {into}: known_delay_days is 0, that is, known the same moment, for "
            f"{', '.join(assumed)}; a night that comes to know them later must say so"
        )
    return into


def _says_when_known(draft: Draft) -> bool:
    return any(match.column.name == "known_at" for match in draft.matches)


def _confirmed(draft: Draft, dialog: Dialog) -> Draft | None:
    name = draft.table.name
    if not draft.usable:
        lacking = ", ".join(draft.missing)
        dialog.show(
            f"{draft.files.path}: perhaps {name}, but nothing in it resembles {lacking}; left out"
        )
        return None
    if not dialog.confirm(f"{draft.files.path} is {name}?"):
        return None
    for match in draft.untranslated:
        dialog.show(f"  {name}.{match.column.name} ← {match.source} has words of its own; left out")
    matches = [
        m for m in draft.matches if dialog.confirm(f"  {name}.{m.column.name} ← {_described(m)}?")
    ]
    final = replace(draft, matches=tuple(matches))
    if not final.usable:
        dialog.show(f"  {name} cannot be used without {', '.join(final.missing)}; left out")
        return None
    return final


def _described(match: Match) -> str:
    sample = match.sample
    form = sample.form or (
        f"decimal {sample.decimal!r}" if sample.fraction and sample.decimal else ""
    )
    kind = form or "/".join(sorted(sample.kinds))
    words = f", {len(match.words)} words translated" if match.words else ""
    return f"{match.source} ({kind}{words}{'' if match.sure else ', not sure'})"


def _write(into: Path, text: str) -> None:
    with storage_errors(f"write {into}"):
        into.parent.mkdir(parents=True, exist_ok=True)
        with into.open("x", encoding="utf-8") as file:
            file.write(text)
    try:
        load_settings(into)
    except StilleError:
        into.unlink(missing_ok=True)
        raise
