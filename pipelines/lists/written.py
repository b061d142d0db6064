"""The night's files: the risk list once per language, outcomes by horizon, Parquet twins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from models.examples import MARGIN
from models.profit import expected_value
from pipelines.lists.actions import load_actions, suggest
from pipelines.lists.fields import Field
from pipelines.lists.files import write_list
from pipelines.lists.manifest import Stamp
from pipelines.lists.outcomes import OUTCOMES_NAME, outcome_fields, outcome_rows
from pipelines.lists.risk_list import REASONS, Bands, data_quality, fields_of, risk_list
from pipelines.lists.rules import ACTIONS, layout_of, sentences_of
from pipelines.lists.templates import load_templates
from pipelines.scoring import Chances, band_thresholds
from pipelines.settings import Settings
from pipelines.worth import customer_values, economics_of

_EXPECTED = ("latest_bill_on", "own_price")


@dataclass(frozen=True, slots=True)
class Lists:
    """The fields of each written file by its path, and the stamp with the bands' thresholds."""

    schemas: Mapping[str, tuple[Field, ...]]
    stamp: Stamp


def write_risk_lists(
    settings: Settings,
    scored: pd.DataFrame,
    stamp: Stamp,
    folder: Path,
    advance: Callable[[str], None],
) -> Lists:
    """Write ``risk_list`` in the first language and ``risk_list.<language>`` in the others."""
    bands = Bands(**band_thresholds(settings, scored["churn_probability"]))
    stamp = replace(stamp, thresholds=bands.thresholds)
    scored = _advised(settings, scored.assign(data_quality=data_quality(scored, _EXPECTED)))
    schemas: dict[str, tuple[Field, ...]] = {}
    for number, language in enumerate(settings.list.languages):
        templates = load_templates(sentences_of(language))
        rows = risk_list(scored, stamp, bands, templates, settings.company.currency)
        fields, name = fields_of(rows), "risk_list" if number == 0 else f"risk_list.{language}"
        schemas |= write_list(rows, fields, folder, name, layout_of(settings, language))
        advance(language)
    return Lists(schemas, stamp)


def write_chances(settings: Settings, chances: Chances, lists: Lists, folder: Path) -> Lists:
    """Write ``outcome_probabilities`` beside the lists, in the order of ``chances``."""
    rows = outcome_rows(
        chances.customer_id, chances.incidence, chances.horizons, chances.causes, lists.stamp
    )
    fields, layout = outcome_fields(chances.causes), layout_of(settings, settings.list.languages[0])
    written = write_list(rows, fields, folder, OUTCOMES_NAME, layout)
    return replace(lists, schemas={**lists.schemas, **written})


def _advised(settings: Settings, scored: pd.DataFrame) -> pd.DataFrame:
    """With what the rule table says, and with values where the company gives economics."""
    advice = suggest(scored, load_actions(ACTIONS), REASONS)
    scored = scored.join(advice[["suggested_action", "do_not"]])
    economics = economics_of(settings)
    margin = scored.reindex(columns=[MARGIN])[MARGIN].astype("float64")
    values = customer_values(settings, np.asarray(margin, dtype=np.float64))
    if economics is None or values is None:
        return scored
    p, value = scored["churn_probability"].to_numpy(dtype="float64"), values[0]
    return scored.assign(
        expected_value=expected_value(p, value, economics),
        value_at_risk=p * value,
        currency=settings.company.currency,
    )
