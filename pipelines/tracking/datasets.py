"""MLflow dataset inputs of a run: names, digest, schema and counts, no row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.types import ColSpec, DataType, Schema
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

_SOURCE = "stille"
_SHOWN_DIGEST = 12


@dataclass(frozen=True, slots=True)
class Rows:
    """What a run learned from or was judged on.

    ``digest`` is a SHA-256 (hex) of all rows, ``columns`` the features and their kinds in
    order, ``made_from`` what says where the rows came from.
    """

    name: str
    context: Literal["training", "test"]
    digest: str
    rows: int
    leavers: int
    customers: int
    as_ofs: tuple[str, ...]
    columns: Mapping[str, Literal["number", "category"]]
    made_from: Mapping[str, str]


def log_datasets(run_id: str, given: Sequence[Rows]) -> None:
    """Attach the datasets to a run."""
    inputs = [
        DatasetInput(_dataset(rows), [InputTag(MLFLOW_DATASET_CONTEXT, rows.context)])
        for rows in given
    ]
    if inputs:
        mlflow.MlflowClient().log_inputs(run_id, datasets=inputs)


def _dataset(rows: Rows) -> Dataset:
    types = {"number": DataType.double, "category": DataType.string}
    columns = [ColSpec(types[kind], name, required=False) for name, kind in rows.columns.items()]
    schema = Schema([*columns, ColSpec(DataType.integer, "label")])
    profile = {
        "num_rows": rows.rows,
        "num_elements": rows.rows * len(schema.inputs),
        "leavers": rows.leavers,
        "customers": rows.customers,
        "as_of_dates": list(rows.as_ofs),
    }
    return Dataset(
        name=rows.name,
        digest=rows.digest[:_SHOWN_DIGEST],
        source_type=_SOURCE,
        source=json.dumps(dict(rows.made_from)),
        schema=json.dumps({"mlflow_colspec": schema.to_dict()}),
        profile=json.dumps(profile),
    )
