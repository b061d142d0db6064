"""Describes examples without showing any: a digest, counts and column names."""

import hashlib
from collections.abc import Mapping
from typing import Literal

import numpy as np

from models.examples import Examples
from pipelines.tracking import Rows


def describe(
    name: str,
    context: Literal["training", "test"],
    examples: Examples,
    made_from: Mapping[str, str],
) -> Rows:
    """Digest and counts of examples; equal rows in equal columns have the same digest."""
    return Rows(
        name=name,
        context=context,
        digest=_digest(examples),
        rows=len(examples),
        leavers=int(examples.y.sum()),
        customers=len(np.unique(examples.customer_id.astype(str))),
        as_ofs=tuple(str(day) for day in np.unique(examples.as_of)),
        columns={column.name: column.kind for column in examples.spec.columns},
        made_from=made_from,
    )


def _digest(examples: Examples) -> str:
    total = hashlib.sha256(examples.spec.hash.encode())
    total.update("\n".join(examples.customer_id.astype(str).tolist()).encode())
    total.update(examples.as_of.astype("int64").tobytes())
    total.update(examples.y.tobytes())
    for column in range(examples.x.shape[1]):
        total.update(np.ascontiguousarray(examples.x[:, column]).data)
    return total.hexdigest()
