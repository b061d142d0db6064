"""Training examples: labelled matrix rows of every month whose label window is complete.

The as-of dates are chosen, their matrices built and read in one place, so that training, ablations
and the search for leaks learn from the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from features.catalog import Catalog, definition
from features.errors import GateError
from models.examples import MARGIN, Examples
from models.feedback import Exposure
from models.histories import Histories
from models.spec import FeatureColumn, FeatureSpec, learn_spec
from pipelines.engine import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.files import KEYS, MatrixPart
from pipelines.matrices.scratch import scratch
from pipelines.progress import bar
from pipelines.run import Run
from pipelines.snapshots.snapshot import Snapshot
from pipelines.training.dates import labelled_as_ofs, told_by_horizon, training_as_ofs

AFTERWARDS = ("outcome", "label", "ended_on", "cause", "treated_on", "held_out_on")
"""Columns of a labelled matrix that lie after the as-of date; no model reads them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Examples, rows by outcome, features that never vary, and those without their tables.

    ``exposure`` says which examples were treated since. ``histories`` are all rows, matured or
    not, where outcomes by horizon are learned.
    """

    examples: Examples
    outcomes: dict[str, int]
    silent: tuple[str, ...]
    omitted: tuple[str, ...] = ()
    histories: Histories | None = None
    exposure: Exposure | None = None


def feature_columns(catalog: Catalog) -> tuple[FeatureColumn, ...]:
    """The catalog's features as a model's inputs, in the catalog's order."""
    return tuple(
        FeatureColumn(
            name=feature.name,
            kind="category" if feature.kind == "category" else "number",
            driver=feature.driver,
            family=feature.family,
            sign=feature.sign,
            definition=definition(feature, catalog),
        )
        for feature in catalog.model_features
    )


def read_matrix(parts: Sequence[MatrixPart], columns: Sequence[str]) -> pd.DataFrame:
    """The named columns of a matrix as one frame, in the order of its parts.

    The outcomes' columns come after them when the matrix is labelled.
    Raises ``ValueError`` when an outcome file has other customers or dates than its features,
    or the same in another order: the columns are put side by side by position.
    """
    table = _read([part.features for part in parts], columns)
    outcomes = [part.outcomes for part in parts if part.outcomes is not None]
    for part in parts:
        _check_keys(part)
    if outcomes:
        ended = _read(outcomes, AFTERWARDS)
        for name in ended.column_names:
            table = table.append_column(name, ended[name])
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    return frame


def _check_keys(part: MatrixPart) -> None:
    if part.outcomes is None:
        return
    keys = ("customer_id", "as_of")
    if not _read([part.features], keys).equals(_read([part.outcomes], keys)):
        raise ValueError(f"{part.outcomes}: not the rows of {part.features}, in the same order")


def _read(paths: Sequence[Path], columns: Sequence[str]) -> pa.Table:
    return ds.dataset([str(path) for path in paths], format="parquet").to_table(list(columns))


def prepare_examples(
    parts: Sequence[MatrixPart], catalog: Catalog, *, end_days: int = 0, histories: bool = False
) -> Prepared:
    """Rows with a label as examples; columns with one value or none are left out of the spec.

    ``end_days`` is lead and horizon together.
    Raises ``GateError`` when no row has a label.
    """
    columns = feature_columns(catalog)
    facts = [f.name for f in catalog.features if f.kind == "fact" and f.name == MARGIN]
    frame = read_matrix(parts, [*KEYS, *(c.name for c in columns), *facts])
    counts = frame["outcome"].value_counts().sort_index()
    labelled = frame[frame["label"].notna()]
    if labelled.empty:
        raise GateError(
            "no customer has a known outcome: the label windows are not complete. Set "
            "training.first_as_of earlier or train on a later --as-of."
        )
    varying = [c for c in columns if labelled[c.name].nunique(dropna=False) > 1]
    spec: FeatureSpec = learn_spec(varying, labelled)
    return Prepared(
        examples=Examples.build(labelled, spec, labelled["label"].astype("int8")),
        outcomes={str(name): int(count) for name, count in counts.items()},
        silent=tuple(sorted({c.name for c in columns} - {c.name for c in varying})),
        omitted=tuple(catalog.omitted),
        exposure=Exposure.build(labelled, end_days),
        histories=Histories.build(frame, spec) if histories else None,
    )


def make_examples(run: Run, snapshot: Snapshot, newest: int | None = None) -> Prepared:
    """Build the labelled matrix of every matured month, or the ``newest``, and read it as examples.

    Raises ``GateError`` when no label window is complete.
    """
    settings, record = run.settings, run.record
    catalog = catalog_of(settings, snapshot)
    as_ofs = labelled_as_ofs(settings, snapshot, run.as_of)
    if newest is not None:
        first = training_as_ofs(settings, snapshot, run.as_of)[-newest:][0]
        as_ofs = tuple(day for day in as_ofs if day >= first)
    columns = catalog.only([*(feature.name for feature in catalog.model_features), MARGIN])
    with (
        scratch(settings.paths.var, record.run_id) as folder,
        record.stage("features") as stage,
        bar("building features", len(as_ofs) * snapshot.shards) as advance,
    ):
        job = MatrixJob(columns, as_ofs, labels_known_before=run.as_of)
        parts = build_matrix(settings, snapshot, job, folder, lambda: advance(""))
        prepared = prepare_examples(
            parts,
            catalog,
            end_days=settings.label.lead_days + settings.label.horizon_days,
            histories=told_by_horizon(settings, snapshot),
        )
        stage.rows_out = len(prepared.examples)
    record.notes += [
        f"not built: {name}, as {', '.join(tables)} is missing"
        for name, tables in catalog.omitted.items()
    ]
    record.notes += [f"left out, as it never varies: {name}" for name in prepared.silent]
    return prepared
