"""Outcomes of outreach as people report them: a filled worklist or a CRM's export, checked.

Both become rows of the contract's table ``treatments``. All that is wrong is said at once, by row
and column, and no cell is quoted.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from features.contract import TABLES
from features.errors import ConfigError, ContractError
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.config.sources import Source
from pipelines.config.text_files import text_file
from pipelines.lists.worklists import WorklistTexts, load_outcomes, load_worklist_texts
from pipelines.publication.reader import current, newest_of
from pipelines.runtime.atomic_files import replace_bytes, storage_errors
from pipelines.runtime.duckdb_connection import connect, first_line
from pipelines.runtime.environment import now
from pipelines.snapshots.loading import load_table
from pipelines.sources.files import Input

_TABLE = TABLES["treatments"]
COLUMNS = tuple(column.name for column in _TABLE.columns)
_OF_EXPORT = {column.name for column in _TABLE.columns if column.required}
_DATE_FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y", "%d/%m/%Y", "%d %b %Y")
_NEEDED = ("customer_id", "channel", "status", "contacted_on", "outcome")
_MOST_SHOWN = 20
Fault = tuple[int, str, str]
Listed = Callable[[date], pd.DataFrame]


def read_reports(path: Path) -> tuple[pd.DataFrame, date | None]:
    """A file's cells as text, by title and number of the row, and the day that its sheet names.

    Of a workbook's first sheet, or of text with semicolons, commas or tabs between cells. Raises
    ``ContractError`` for a file that is neither.
    """
    title, as_text = "", dict[str, Any](dtype="str", keep_default_na=False)
    try:
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            title, cells = next(iter(pd.read_excel(path, sheet_name=None, **as_text).items()))
        else:
            content = path.read_bytes()
            encoding = "utf-8-sig"
            try:
                content.decode()
            except UnicodeDecodeError:
                encoding = "cp1252"  # as Excel saves "CSV" on Windows
            sign = chr(max(b";,\t", key=content.partition(b"\n")[0].count))
            as_text |= {"sep": sign, "encoding": encoding, "skip_blank_lines": False}
            cells = pd.read_csv(path, **as_text)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ContractError(f"{path}: not a worklist or an export: {first_line(error)}") from error
    cells = cells.set_axis(range(2, len(cells) + 2)).apply(lambda column: column.str.strip())
    [day] = _days(pd.Series([title[:10]]))
    return cells[cells.ne("").any(axis=1)], None if pd.isna(day) else day.date()


def reported_contacts(
    settings: Settings, path: Path, cells: pd.DataFrame, listed: Listed, day: date, now: datetime
) -> pd.DataFrame:
    """A file's cells as rows of ``treatments`` (``COLUMNS``), instants naive UTC, by row number.

    ``listed`` gives ``lane``, ``arm`` and ``suggested_action`` of who was called or held out on a
    day, by customer id; ``now`` is naive UTC. A worklist's rows without an outcome are left out.
    Raises ``ContractError`` that names every wrong cell.
    """
    zone, titles = settings.company.timezone, {name: name for name in COLUMNS}
    if {*cells.columns} >= _OF_EXPORT:
        rows, faults = _of_export(settings, path, now)
    else:
        texts, called = _texts_of(path, cells), listed(day).query("lane == 'call'")
        titles |= {**texts.titles, "treated_at": texts.titles["contacted_on"]}
        rows, faults = _of_worklist(cells, texts, called, day)
        listed = {day: called}.__getitem__
        # Nobody writes the hour: the day begins at its midnight, which is never still to come.
        midnight = rows["treated_at"].dt.tz_localize(zone, nonexistent="shift_forward")
        rows["treated_at"] = midnight.dt.tz_convert("UTC").dt.tz_localize(None)
    local = rows["treated_at"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    wrong = [
        ("treated_at", local < rows["published_on"], "before the day of the list"),
        ("treated_at", rows["treated_at"] > pd.Timestamp(now), "after the present moment"),
        ("customer_id", rows.duplicated("treatment_id"), "the same contact as in a row above"),
    ]
    for published in rows["published_on"].dropna().unique():
        others = ~rows["customer_id"].isin(listed(published.date()).index)
        why = f"not on the lists of {published:%Y-%m-%d}; was it another night's?"
        wrong.append(("customer_id", rows["published_on"].eq(published) & others, why))
    for column, where, why in wrong:
        faults += [(row, titles[column], why) for row in rows.index[where]]
    if faults:
        lines = [f"  row {row}, {column}: {why}" for row, column, why in sorted(faults)]
        raise ContractError(
            f"{path}: {len(faults):,} cells are wrong, and nothing was written. The first:\n"
            + "\n".join(lines[:_MOST_SHOWN])
            + f"\nMend them in the file, then run: stille outcomes {path}"
        )
    return rows[[*COLUMNS]]


def _texts_of(path: Path, cells: pd.DataFrame) -> WorklistTexts:
    """The texts of the language whose titles the file has, if it is a list of outreach."""
    for file in sorted(text_file("worklists", "").parent.glob("*.yaml")):
        texts = load_worklist_texts(file.stem)
        if {texts.titles[name] for name in _NEEDED} <= {*cells.columns}:
            return texts
    raise ContractError(
        f"{path}, row 1: neither the titles of a list of whom to call or to write to, in "
        f"any language, nor {', '.join(sorted(_OF_EXPORT))} of a CRM's export. Leave the header "
        "as it was; the other worklists are no outreach, and nothing of them is read back"
    )


def _of_worklist(
    cells: pd.DataFrame, texts: WorklistTexts, called: pd.DataFrame, day: date
) -> tuple[pd.DataFrame, list[Fault]]:
    """What a worklist says, ``treated_at`` a local day, and what is wrong in it."""
    faults: list[Fault] = []
    said = cells[[texts.titles[name] for name in _NEEDED]].set_axis([*_NEEDED], axis=1)

    def note(column: str, wrong: pd.Series, why: str) -> None:
        faults.extend((int(row), texts.titles[column], why) for row in cells.index[wrong])

    codes = {}
    words = {"outcome": texts.outcomes, "status": texts.statuses, "channel": texts.channels}
    for column, names in words.items():
        known = {word.casefold(): code for code, word in names.items()}
        codes[column] = said[column].str.casefold().map(known).astype("str")
        unknown = said[column].ne("") & codes[column].isna()
        note(column, unknown, f"choose one of {', '.join(names.values())}")
    silent = codes["status"].eq("done") & said["outcome"].eq("")
    note("outcome", silent, "done, so what came of it?")
    on = _days(said["contacted_on"]).mask(said["contacted_on"].eq(""), pd.Timestamp(day))
    note("contacted_on", on.isna(), "write the day as 2026-01-31")
    done = codes["outcome"].notna() & on.notna()
    customer, outcome, on = said.loc[done, "customer_id"], codes["outcome"][done], on[done]
    known_of = called.reindex(customer).set_axis(customer.index)
    rows = {
        "treatment_id": f"worklist/{day}/" + customer + on.dt.strftime("/%Y-%m-%d"),
        "customer_id": customer,
        "treated_at": on,
        "action": known_of["suggested_action"],
        "channel": codes["channel"][done],
        "published_on": pd.Series(pd.Timestamp(day), customer.index),
        **{name: known_of[name] for name in ("arm", "lane")},
    }
    for name in ("contacted", "answer", "solved"):
        rows[name] = outcome.map({c: getattr(o, name) for c, o in load_outcomes().items()})
    return pd.DataFrame(rows), faults


def _of_export(settings: Settings, path: Path, now: datetime) -> tuple[pd.DataFrame, list[Fault]]:
    """What a CRM exported, in the contract's columns and the company's dialect, and its faults."""
    source = {_TABLE.name: Source(path=path.name, known_delay_days=0)}
    asked = settings.model_copy(update={"sources": source})
    with TemporaryDirectory() as folder, connect(settings.engine, Path(folder)) as con:
        given, scratch = (Input(path, str(path)),), Path(folder)
        loaded = load_table(con, asked, _TABLE, given, scratch, now, customers_known=False)
        if loaded.refusal is not None:
            raise loaded.refusal
        rows = con.execute("select * from treatments order by _row").df().set_index("_row")
    broken = rows["_rule"].dropna().str.partition(": ")
    return rows, [(int(str(row)), column, why) for row, column, _, why in broken.itertuples()]


def _days(text: pd.Series) -> pd.Series:
    """Days written as people and spreadsheets write them; null for anything else."""
    days = pd.Series(pd.NaT, text.index, dtype="datetime64[s]")
    for form in _DATE_FORMS:
        days = days.fillna(pd.to_datetime(text, format=form, errors="coerce").astype(days.dtype))
    return days


_TYPES = {"text": pa.string(), "boolean": pa.bool_(), "date": pa.date32()}
_INSTANT = pa.timestamp("us")
SCHEMA = pa.schema(
    [(c.name, _TYPES.get(c.type, _INSTANT)) for c in _TABLE.columns] + [("known_at", _INSTANT)]
)


def take_outcomes(
    run: Run, file: Path, list_day: date | None, *, dry_run: bool, correct: bool
) -> dict[str, object]:
    """Check a filled worklist or a CRM's export and keep its rows; all of it, or nothing.

    ``list_day`` is that of a worklist which does not say it (default: the newest published). A
    contact that is kept with other words is refused unless ``correct``. Raises ``ContractError``
    for what is wrong in the file, ``ConfigError`` for a day without lists.
    """
    settings, path = run.settings, run.settings.paths.reported_treatments
    at = now().replace(tzinfo=None, microsecond=0)
    (cells, written), listed = read_reports(file), cache(partial(_listed, settings.paths.out))
    day = _list_day(settings.paths.out, written, list_day)
    rows = reported_contacts(settings, file, cells, listed, day, at).assign(known_at=at)
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage_errors(f"keep outcomes in {path}"), FileLock(path.with_suffix(".lock")):
        table = pq.read_table(path, schema=SCHEMA) if path.exists() else SCHEMA.empty_table()
        before = table.to_pandas()
        new = _typed(rows).to_pandas()
        same = new["treatment_id"].isin(before.merge(new, on=[*COLUMNS])["treatment_id"])
        other = new["treatment_id"].isin(before["treatment_id"]) & ~same
        if other.any() and not correct:
            raise ContractError(
                f"{file}: {other.sum():,} contacts are kept already and say something else, first "
                f"in row {rows.index[other][0]}. If the file is right, run: stille outcomes {file} "
                "--correct"
            )
        if not (same.all() or dry_run):
            rest = before[~before["treatment_id"].isin(new["treatment_id"][other])]
            table = _typed(pd.concat([rest, new[~same]]))
            # A column that nobody has filled in yet is none: an empty one would close a gate.
            filled = [n for n in table.column_names if table[n].null_count < len(table)]
            pq.write_table(table.select(filled), content := BytesIO(), write_page_checksum=True)
            replace_bytes(path, content.getvalue())
    says = ("contacted", "answer", "solved")
    counts = {
        **{"list": day, "rows": len(cells), "outcomes": len(new)},
        **{"new": int((~same & ~other).sum()), "corrected": int(other.sum())},
        **{"already": int(same.sum()), "written": "" if dry_run else str(path)},
        "says": {f"{n}: {v}": int(k) for n in says for v, k in new[n].value_counts().items()},
    }
    run.record.notes.append(f"{file.name}: {counts}")
    return counts


def _typed(rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows, SCHEMA, preserve_index=False)


def _list_day(out: Path, written: date | None, asked: date | None) -> date:
    """The day of a worklist: as its file says, as asked for, or of the newest night."""
    if written and asked and written != asked:
        raise ConfigError(f"the file is the list of {written}, and --as-of asks for {asked}")
    newest = current(out)
    day = written or asked or (newest.as_of if newest else None)
    if day is None:
        raise ConfigError(f"no list has been published in {out}; run: stille nightly")
    return day


def _listed(out: Path, day: date) -> pd.DataFrame:
    """Who was called or held out on a day, by customer id."""
    publication = newest_of(out, day)
    if publication is None:
        raise ConfigError(f"no complete list of {day} in {out}; say its day: --as-of")
    names = ["customer_id", "lane", "lane_rule", "suggested_action", "arm"]
    rows = pd.read_parquet(publication.folder / "risk_list.parquet", columns=names)
    rows = rows[rows["lane"].eq("call") | rows["lane_rule"].eq("holdout")]
    return rows.set_index("customer_id")
