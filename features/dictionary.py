"""The feature dictionary: a row for each feature, made from the declarations."""

from collections.abc import Mapping

from features.catalog import Catalog
from features.feature import Feature

SIGNS: Mapping[int, str] = {1: "+", -1: "−", 0: "±"}


def dictionary(catalog: Catalog) -> list[dict[str, str]]:
    """One row per feature of the model: what ``stille features`` prints."""
    return [
        {
            "feature": feature.name,
            "family": feature.family,
            "driver": feature.driver,
            "unit": feature.unit,
            "window": "" if feature.window is None else f"{feature.window} days",
            "sign": SIGNS[feature.sign],
            "no row means": no_row(feature),
            "definition": feature.doc,
            "source": feature.source,
        }
        for feature in catalog.model_features
    ]


def no_row(feature: Feature) -> str:
    """What the feature is where its tables have no row of a customer."""
    return "unknown" if feature.fill is None else f"{feature.fill:g}"
