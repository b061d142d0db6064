"""The feature dictionary: a row for each feature, made from the declarations."""

from typing import Any

from features.catalog import Catalog


def dictionary(catalog: Catalog) -> list[dict[str, Any]]:
    """One row per feature of the model, as ``stille features`` prints it.

    ``days`` are those of its window, ``sign`` is 1 where more of it raises the risk, and
    ``without_rows`` what it is where its tables have no row of a customer; null where unknown.
    """
    return [
        {
            "feature": feature.name,
            "family": feature.family,
            "driver": feature.driver,
            "unit": feature.unit,
            "days": feature.window,
            "sign": feature.sign,
            "without_rows": feature.fill,
            "definition": feature.doc,
            "source": feature.source,
        }
        for feature in catalog.model_features
    ]
