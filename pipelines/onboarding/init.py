"""``stille init``: a drafted configuration that a person confirms, table by table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from features.errors import ConfigError, StilleError
from pipelines.config.settings import load_settings
from pipelines.onboarding.config_text import Firm, SnapshotDay, config_text
from pipelines.onboarding.draft import Draft, FileGroup, draft, group_files, unused
from pipelines.onboarding.flat import ChurnLabel, key_of, label_by_name, label_of
from pipelines.onboarding.matching import Match
from pipelines.onboarding.sampling import ROWS, ColumnSample, FileSample
from pipelines.onboarding.snapshot_tables import dated, with_snapshot
from pipelines.runtime.atomic_files import storage_errors
from pipelines.sources.personal_data import WHOSE

_USUAL_DAYS = 30
_MOST_WORDS, _LONGEST = 3, 24


@dataclass(frozen=True, slots=True)
class Dialog:
    """How a person is asked yes or no or for an answer (with the usual one), and told.

    Samples are told to the person alone; they are never written.
    """

    confirm: Callable[[str], bool]
    ask: Callable[[str, str], str]
    show: Callable[[str], None]


def initialise(
    folder: Path, into: Path, firm: Firm, today: date, dialog: Dialog, day: date | None = None
) -> Path:
    """Write a configuration for the files of ``folder``, or for one, to ``into``; never over one.

    ``day`` is the usual answer to the question what day the tables show. Raises ``ConfigError``
    when ``into`` is there, or when no file is confirmed as the customers table.
    """
    if into.exists():
        raise ConfigError(f"{into} is there already and is never overwritten; give another --to")
    groups, skipped = group_files(folder)
    drafts = draft(groups)
    drafts = with_snapshot(drafts, groups, {} if dated(drafts) else _labels(groups, dialog))
    used = {each.files.title for each in drafts}
    used |= {group.title for each in drafts for group, _ in each.joins}
    for group in groups:
        if group.title not in used:
            keyless = "" if key_of(group.sample) else ", and no column differs in every row"
            skipped[group.title] = f"resembles no table of the contract{keyless}"
    for each in drafts:
        if not each.usable:
            lacking = ", ".join(each.missing)
            skipped[each.files.title] = f"perhaps {each.table.name}, but without {lacking}"
    for name, why in skipped.items():
        dialog.show(f"{name}: left out; {why}")
    usable = _confirmed([each for each in drafts if each.usable], dialog)
    if "customers" not in {each.table.name for each in usable}:
        raise ConfigError(
            f"{folder}: no file was confirmed as customers, the one table that is needed. It has "
            "one row per customer, contract or account, and a column that names it; or write the "
            "configuration by hand: docs/data-contract.md."
        )
    snapshot_day = None
    if any(each.label is not None for each in usable):
        newest = newest_day([each.files.sample for each in usable], today)
        snapshot_day = _snapshot(day or newest or today, dialog)
    data = folder.parent if folder.is_file() else folder
    _write(into, config_text(data, into.parent, usable, firm, today, snapshot_day))
    undated = (d for d in usable if all(match.column.name != "known_at" for match in d.matches))
    assumed = [each.table.name for each in undated]
    if assumed and snapshot_day is None:
        dialog.show(
            f"to confirm in {into}: known_delay_days is 0, that is, known the same moment, for "
            f"{', '.join(assumed)}; a night that comes to know them later must say so"
        )
    return into


def _labels(groups: Sequence[FileGroup], dialog: Dialog) -> dict[str, ChurnLabel]:
    """What says who left in each table: found, or named by a person."""
    found = {g.title: label for g in groups if (label := label_of(g.sample)) is not None}
    name = "" if found else dialog.ask("Which column says who left? none if no column does", "none")
    for group in groups:
        if name in group.sample.columns:
            label = label_by_name(group.sample, name)
            if label is None:
                words = ", ".join(group.sample.columns[name].words)
                yes = dialog.ask(f"Which of its words says that somebody left: {words}?", "")
                label = label_by_name(group.sample, name, yes)
            if label is not None:
                found[group.title] = label
    return found


def _confirmed(drafts: Sequence[Draft], dialog: Dialog) -> list[Draft]:
    """Customers and labels are asked about alone; the others together, then one by one."""
    alone = [each for each in drafts if each.table.name in ("customers", "labels")]
    events = [each for each in drafts if each not in alone]
    confirmed = []
    for each in alone:
        dialog.show(_described(each))
        question = f"{each.files.title} is {each.table.name}?"
        if each.label is not None:
            label, rows = each.label, each.files.sample.rows
            first = "" if rows <= ROWS else f" in the first {ROWS:,} rows"
            question = (
                f"{label.column} = {' or '.join(label.yes)} says who left ({label.left:,} of "
                f"{label.non_null:,}{first}, {label.left / label.non_null:.1%})?"
            )
        if dialog.confirm(question):
            confirmed.append(each)
    for each in events:
        dialog.show(_described(each))
    names = ", ".join(each.table.name for each in events)
    if events and dialog.confirm(f"Use {names} as shown? (no: each is asked about)"):
        return [*confirmed, *events]
    asked = [each for each in events if dialog.confirm(f"{each.files.title} is {each.table.name}?")]
    return [*confirmed, *asked]


def _snapshot(usual: date, dialog: Dialog) -> SnapshotDay:
    """The day that the tables show, and how long after it people left; a person's to say."""
    while True:
        answer = dialog.ask(
            "On which day were the tables taken? Their columns show what was known then, before "
            "anybody left",
            usual.isoformat(),
        )
        days = dialog.ask("Within how many days after it did they leave?", str(_USUAL_DAYS))
        try:
            return SnapshotDay(date.fromisoformat(answer), int(days))
        except ValueError:
            dialog.show("A day is written 2026-01-31, and days are a number.")


def newest_day(samples: Sequence[FileSample], today: date) -> date | None:
    """The day after the newest date that is not ahead in the sampled tables."""
    days = [
        date.fromisoformat(value[:10])
        for sample in samples
        for name, column in sample.columns.items()
        if column.kinds & {"date", "instant"} and column.form in ("", "%Y-%m-%d")
        for value in sample.values[name]
        if value is not None
    ]
    past = [day for day in days if day < today]
    return max(past) + timedelta(1) if past else None


def _described(draft: Draft) -> str:
    """The table, its columns, and everything that is left out of it with the reason."""
    sample = draft.files.sample
    lines = [f"\n{draft.files.title}: {draft.table.name}, {sample.rows:,} rows"]
    lines += [f"  {match.column.name} ← {_as_read(match)}" for match in draft.matches]
    lines += [f"  joined with {group.title} by {key}" for group, key in draft.joins]
    flat = draft.flat
    if flat is not None:
        if flat.joined is not None and flat.joined[1] is not None:
            column, unit = flat.joined
            lines.append(f"  joined_on ← {column} ({unit} before the day the table was taken)")
        for name, each in flat.attributes.items():
            source = str(each["column"])
            lines.append(f"  {name} ← {source} ({each['type']}{_words_of(sample.columns[source])})")
        lines += [f"  left out: {column}, {why}" for column, why in flat.dropped.items()]
    for match in draft.untranslated:
        lines.append(
            f"  left out: {match.source}, words that {draft.table.name}.{match.column.name} does "
            f"not know{_words_of(match.sample)}"
        )
    if left := unused(draft):
        lines.append(f"  not used: {', '.join(left)}")
    return "\n".join(lines)


def _as_read(match: Match) -> str:
    sample = match.sample
    decimal = f"decimal {sample.decimal!r}" if sample.fraction and sample.decimal else ""
    kind = sample.form or decimal or "/".join(sorted(sample.kinds))
    words = f", {len(match.words)} words translated" if match.words else ""
    key = match.column.name in WHOSE or match.column.name.endswith("_id")
    values = "" if key else _words_of(sample)
    return f"{match.source} ({kind}{words}{values}{'' if match.sure else ', not sure'})"


def _words_of(sample: ColumnSample) -> str:
    """The most frequent words with their counts, and how many others there are."""
    if not sample.counts:
        return f"; {sample.distinct:,} values"
    shown = [f"{word[:_LONGEST]} {n:,}×" for word, n in list(sample.counts.items())[:_MOST_WORDS]]
    others = len(sample.counts) - len(shown)
    return f"; {', '.join(shown)}{f', {others} more' if others else ''}"


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
