"""What a person is shown of a drafted table: its columns with samples and counts."""

from pipelines.onboarding.columns import ColumnSample
from pipelines.onboarding.draft import Draft, unused
from pipelines.onboarding.flat import ChurnLabel
from pipelines.onboarding.matching import Match
from pipelines.onboarding.sampling import ROWS, FileSample
from pipelines.sources.personal_data import WHOSE

_MOST_WORDS, _LONGEST = 3, 24


def described(draft: Draft) -> str:
    """The table, its columns, and everything that is left out of it with the reason."""
    sample = draft.files.sample
    lines = [f"\n{draft.files.title}: {draft.table.name}, {sample.rows:,} rows"]
    lines += [f"  {match.column.name} ← {_match(match)}" for match in draft.matches]
    lines += [f"  joined with {group.title} by {key}" for group, key in draft.joins]
    flat = draft.flat
    if flat is not None:
        if flat.joined is not None and flat.joined[1] is not None:
            column, unit = flat.joined
            lines.append(f"  joined_on ← {column} ({unit} before the day the table was taken)")
        for name, each in flat.attributes.items():
            source = str(each["column"])
            lines.append(f"  {name} ← {source} ({each['type']}{_values(sample.columns[source])})")
        lines += [f"  left out: {column}, {why}" for column, why in flat.dropped.items()]
    for match in draft.untranslated:
        lines.append(
            f"  left out: {match.source}, words that {draft.table.name}.{match.column.name} does "
            f"not know{_values(match.sample)}"
        )
    if left := unused(draft):
        lines.append(f"  not used: {', '.join(left)}")
    return "\n".join(lines)


def label_question(label: ChurnLabel, sample: FileSample) -> str:
    """The question whether a column says who left, with how many did."""
    of = f"{label.left:,} of {label.non_null:,}"
    first = "" if sample.rows <= ROWS else f" in the first {ROWS:,} rows"
    words = " or ".join(label.yes)
    return (
        f"{label.column} = {words} says who left ({of}{first}, {label.left / label.non_null:.1%})?"
    )


def _match(match: Match) -> str:
    sample = match.sample
    form = sample.form or (
        f"decimal {sample.decimal!r}" if sample.fraction and sample.decimal else ""
    )
    kind = form or "/".join(sorted(sample.kinds))
    words = f", {len(match.words)} words translated" if match.words else ""
    key = match.column.name in WHOSE or match.column.name.endswith("_id")
    values = "" if key else _values(sample)
    return f"{match.source} ({kind}{words}{values}{'' if match.sure else ', not sure'})"


def _values(sample: ColumnSample) -> str:
    """The most frequent words with their counts, and how many others there are."""
    if not sample.counts:
        return f"; {sample.distinct:,} values"
    shown = [f"{word[:_LONGEST]} {n:,}×" for word, n in list(sample.counts.items())[:_MOST_WORDS]]
    others = len(sample.counts) - len(shown)
    return f"; {', '.join(shown)}{f', {others} more' if others else ''}"
