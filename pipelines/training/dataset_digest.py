"""Dataset digests and profiles: what identifies the rows of a run without showing any.

Equal rows have the same digest, so runs can be compared without the data.
"""

import hashlib
from collections.abc import Mapping
from typing import Literal

import numpy as np

from models.dataset.examples import Examples
from pipelines.tracking import Rows


def describe_rows(
    name: str,
    context: Literal["training", "test"],
    examples: Examples,
    made_from: Mapping[str, str],
) -> Rows:
    """Digest and counts of examples; equal rows in equal columns have the same digest."""
    return Rows(
        name=name,
        context=context,
        digest=rows_digest(examples, examples.spec.hash),
        rows=len(examples),
        leavers=int(examples.y.sum()),
        customers=len(np.unique(examples.customer_id.astype(str))),
        as_ofs=tuple(str(day) for day in np.unique(examples.as_of)),
        columns={column.name: column.kind for column in examples.spec.columns},
        made_from=made_from,
    )


def rows_digest(examples: Examples, prefix: str = "", *, features: bool = True) -> str:
    """SHA-256 (hex) of ``prefix`` and the rows: customers, dates, labels and feature values."""
    total = hashlib.sha256(prefix.encode())
    total.update("\n".join(examples.customer_id.astype(str).tolist()).encode())
    total.update(examples.as_of.astype("int64").tobytes())
    total.update(examples.y.tobytes())
    for column in examples.x.T if features else ():
        total.update(np.ascontiguousarray(column).data)
    return total.hexdigest()
