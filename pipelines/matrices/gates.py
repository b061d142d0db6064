"""Gates on the night's matrix: the champion's features, defined alike and filled as in training.

The tables are compared with the snapshot before (``snapshots.gates``), which may have gone wrong
little by little; the matrix is compared with what the champion learned from.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from features.catalog import Catalog, definition
from features.contract import TABLES
from features.errors import ContractError, GateError, ModelError
from models.dataset.feature_spec import FeatureColumn, FeatureSpec, listed
from models.drift.psi import Missingness, missingness
from pipelines.config.run import Run
from pipelines.snapshots import households
from pipelines.snapshots.gate_measures import FEWEST_ROWS

Needs = Mapping[str, Sequence[str]]

_MAX_LISTED = 8
_RIGHT = "If they are right, learn from them: stille train."


def refuse_other_features(label: str, spec: FeatureSpec, catalog: Catalog) -> None:
    """Hold the features that can be built against the champion's, before any is built.

    Raises ``ContractError`` naming the tables and columns that its features miss, and
    ``ModelError`` naming each feature that is gone or defined otherwise for another reason.
    """
    now = {column.name: column.definition for column in feature_columns(catalog)}
    learned = {column.name: column.definition for column in spec.columns}
    gone = sorted(set(learned) - set(now))
    missing = {name: catalog.omitted[name] for name in gone if name in catalog.omitted}
    if missing:
        raise ContractError(_missing(label, missing))
    changed = sorted(name for name in set(learned) & set(now) if learned[name] != now[name])
    if gone or changed:
        raise ModelError(
            f"model {label} was trained on other features. "
            f"Not built now: {', '.join(gone) or 'none'}; defined otherwise now: "
            f"{', '.join(changed) or 'none'}. Train again: stille train."
        )


def refuse_other_filling(run: Run, spec: FeatureSpec, counts: pd.DataFrame, needs: Needs) -> None:
    """Hold the share of nulls and of unknown words of each feature against the training rows.

    ``counts`` are those of the cohort, as ``count_missing`` gives them; ``needs`` names
    the tables and columns of each feature. Every figure becomes a gate of the record. Raises
    ``ContractError`` when a feature has no value left, ``GateError`` when a share has risen too
    far.
    """
    filled = missingness(spec, counts)
    empty = [each for each in filled if each.emptied]
    for each in empty:
        run.record.gate(f"{each.name}: rows with a value", 0, low=1)
    closed = _closed(run, filled, int(counts["rows"].max()))
    if empty:
        raise ContractError(
            f"features that the champion uses have no value for anybody:{_lines(empty, needs)}\n"
            "The last publication stands. Mend the export or its mapping and look at it: "
            f"stille check. {_RIGHT}"
        )
    if closed:
        raise GateError(
            f"features are not filled as in the champion's training:{_lines(closed, needs)}\n"
            "The last publication stands. If the tables are wrong, mend them and run again. "
            f"{_RIGHT} A band that is too narrow for good is quality.max_null_rise or "
            "quality.max_unknown_share in the configuration."
        )


def _closed(run: Run, filled: Sequence[Missingness], rows: int) -> list[Missingness]:
    quality = run.settings.quality
    closed = []
    for each in filled if rows >= FEWEST_ROWS else ():
        gates = {"rise of the share of nulls over training": (each.rise, quality.max_null_rise)}
        if each.kind == "category":
            name = "share of words that training never saw"
            gates[name] = (each.unknown_share, quality.max_unknown_share)
        passed = [
            run.record.gate(f"{each.name}: {name}", round(value, 6), high=high)
            for name, (value, high) in gates.items()
        ]
        if not all(passed):
            closed.append(each)
    return closed


def _missing(label: str, missing: Needs) -> str:
    names = dict.fromkeys(name for lack in missing.values() for name in lack)
    lines = ""
    for name in names:
        of = [feature for feature, lack in missing.items() if name in lack]
        made = name in TABLES and TABLES[name].derived
        origin = f" (made from {' and '.join(households.SOURCES)})" if made else ""
        lines += f"\n  {name}{origin}: {listed(of)}"
    return (
        f"model {label} needs tables or columns that are not given now:{lines}\n"
        "The last publication stands. Give them again under sources in the configuration, or "
        "learn without them: stille train."
    )


def _lines(filled: Sequence[Missingness], needs: Needs) -> str:
    shown = "".join(f"\n  {_describe(each, needs)}" for each in filled[:_MAX_LISTED])
    more = len(filled) - _MAX_LISTED
    return f"{shown}\n  and {more} more, see the run record" if more > 0 else shown


def _describe(each: Missingness, needs: Needs) -> str:
    tables = ", ".join(needs.get(each.name, ())) or "customers"
    unknown = f", {each.unknown_share:.1%} a word unknown to it" if each.unknown_share else ""
    return (
        f"{each.name} (from {tables}): null in {each.null_share:.1%} of the rows, "
        f"{each.trained_share:.1%} in training{unknown}"
    )


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
