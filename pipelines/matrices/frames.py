"""Matrix parts as one data frame, features beside what came after the as-of date.

Parts are files of their own, so keys are compared before their columns are put side by side.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from pipelines.matrices.files import MatrixPart

AFTERWARDS = ("outcome", "label", "ended_on", "cause")


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
