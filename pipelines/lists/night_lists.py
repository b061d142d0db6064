"""Writers of the night's lists: risk list by language, lanes, changes, outcomes.

Each adds the fields of its files to what the manifest will describe. Chances of outcomes are
rounded to millionths together, as separately rounded ones would not add up to one.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from models.causal.sleeping_dogs import facts_of_sleep
from models.competing_risks.model import OTHER, rounded
from models.dataset.examples import MARGIN
from pipelines.config.economics import saved_share
from pipelines.config.lists import RiskList
from pipelines.config.settings import Settings
from pipelines.config.text_files import text_file
from pipelines.lists.actions import advice_texts, load_actions, suggest
from pipelines.lists.changes import CHANGE_FIELDS, changes
from pipelines.lists.lanes import ARMS, LANES
from pipelines.lists.list_columns import ALL, BANDS, LANE_LISTS, REASONS, RISK_LIST, SCHEMA_VERSION
from pipelines.lists.placement import NightContext, place_customers, with_values
from pipelines.lists.previous_nights import PublishedNight
from pipelines.lists.risk_list import data_quality, fields_of, ranked, with_texts
from pipelines.lists.templates import load_templates
from pipelines.lists.worklists import write_worklists
from pipelines.publication.manifest import Field, Stamp, columns
from pipelines.publication.writers import Schemas, write_list
from pipelines.scoring.scores import OutcomeProbabilities, band_thresholds

_EXPECTED = ("latest_bill_on", "own_price")
_OF_EVERYBODY = ("tenure_days", "csat_last_score", "csat_last_on", MARGIN)


@dataclass(frozen=True, slots=True)
class NightLists:
    """The fields of each file by its path, the stamp with what they tell, the risk list's rows.

    The files are in ``folder``, written as ``options`` say.
    """

    schemas: Schemas
    stamp: Stamp
    rows: pd.DataFrame
    options: RiskList
    folder: Path


def columns_of_everybody(settings: Settings) -> set[str]:
    """The facts that lists need of everybody, and not only of who has reasons."""
    rules = load_actions()
    bounds = [step.when for rule in rules.drivers.values() for step in rule.actions]
    bounds += [never.when for never in rules.do_not.values()]
    asked = (fact for when in bounds for fact in when)
    sleep = facts_of_sleep(settings.list.peace.asleep_days)
    return {*_EXPECTED, *_OF_EVERYBODY, *sleep, *asked, *ALL}


def write_risk_lists(
    settings: Settings,
    scored: pd.DataFrame,
    facts: pd.DataFrame,
    context: NightContext,
    stamp: Stamp,
    folder: Path,
    advance: Callable[[str], None],
) -> NightLists:
    """Write ``risk_list`` in the first language and ``risk_list.<language>`` in the others.

    The lists of the lanes are written in the first language, the worklists in each.
    """
    thresholds = band_thresholds(settings.list.bands, scored["churn_probability"])
    stamp = replace(stamp, thresholds=thresholds)
    scored = scored.assign(data_quality=data_quality(scored, _EXPECTED))
    rules = load_actions()
    advice = suggest(scored, rules, REASONS)
    scored = scored.join(advice[["suggested_action", "do_not", "action_lane", "minutes"]])
    scored = with_values(settings, scored, stamp.as_of)
    scored = place_customers(settings, scored, context, stamp.as_of)
    schemas: Schemas = {}
    listed, top = ranked(scored, stamp), scored.loc[facts.index]
    tenure = scored.reindex(index=listed.index, columns=["tenure_days"])["tenure_days"].to_numpy()
    top = top.join(facts[facts.columns.difference(top.columns)])
    del scored

    def write(language: str, name: str) -> pd.DataFrame:
        templates = load_templates(text_file("reasons", language))
        texts = advice_texts(advice, rules, language)
        rows = with_texts(listed, top, templates, settings.company.currency, texts)
        fields = fields_of(rows, RISK_LIST)
        schemas.update(write_list(rows, fields, folder, name, settings.list, language))
        if "worklist" in settings.list.profiles:
            told = rows.assign(tenure_days=tenure)
            schemas.update(write_worklists(settings, language, told, stamp.as_of, folder))
        return rows

    first, *others = settings.list.languages
    rows = write(first, "risk_list")
    for name, described in LANE_LISTS.items():
        members, fields = described.members(rows), fields_of(rows, described.columns)
        schemas |= write_list(members, fields, folder, name, settings.list, first)
    advance(first)
    for language in others:
        write(language, f"risk_list.{language}")
        advance(language)
    stamp = replace(
        stamp,
        permissions_read=context.permissions.refusal is None,
        facts=_facts(settings, rows, context, stamp.as_of),
    )
    return NightLists(schemas, stamp, rows, settings.list, folder)


def _facts(
    settings: Settings, rows: pd.DataFrame, context: NightContext, as_of: date
) -> dict[str, object]:
    """What the manifest tells of the night as a whole."""
    economics, contact = settings.economics, settings.contact
    share = saved_share(settings, as_of)
    arms = rows.groupby(["risk_band", "arm"]).size()
    return {
        "lanes": {lane: int(rows["lane"].eq(lane).sum()) for lane in LANES},
        "arms": {
            band: {arm: int(arms.get((band, arm), 0)) for arm in ARMS} for band in reversed(BANDS)
        },
        "permissions_refusal": context.permissions.refusal,
        "legal_basis": dict(contact.legal_basis),
        "calling_hours": [f"{h:%H:%M}" for h in contact.hours(settings.company.country)],
        "capacity_minutes": settings.list.minutes_on(as_of),
        "holdout_share": settings.list.holdout_share,
        "acquisition_cost_multiple": economics and list(economics.acquisition_cost_multiple),
        "saved_share": share
        and asdict(share) | {"used": share.used, "day": share.day and share.day.isoformat()},
    }


def write_changes(
    before: PublishedNight | None, events: pd.DataFrame, lists: NightLists
) -> NightLists:
    """Write ``changes`` since the night before; without one it is empty."""
    rows = pd.DataFrame(columns=[field.name for field in CHANGE_FIELDS])
    if before is not None:
        now = lists.rows.set_index("customer_id")[["churn_probability", "lane", "lane_rule"]]
        rows = changes(now, before, events, lists.stamp)
    return with_list(lists, rows, CHANGE_FIELDS, "changes")


def write_chances(chances: OutcomeProbabilities, lists: NightLists) -> NightLists:
    """Write ``outcome_probabilities`` beside the lists, in the order of ``chances``."""
    rows = outcome_rows(chances, lists.stamp)
    return with_list(lists, rows, outcome_fields(chances.causes), "outcome_probabilities")


def with_list(
    lists: NightLists, rows: pd.DataFrame, fields: tuple[Field, ...], name: str
) -> NightLists:
    """Write one more list in the first language."""
    first = lists.options.languages[0]
    written = write_list(rows, fields, lists.folder, name, lists.options, first)
    return replace(lists, schemas={**lists.schemas, **written})


_DOCS = {
    "voluntary": "Chance of a voluntary notice within the horizon after the lead time.",
    OTHER: "Chance of any outcome that is too rare for a column of its own.",
}


def outcome_fields(causes: tuple[str, ...]) -> tuple[Field, ...]:
    """The list's columns for a model that distinguishes these causes."""
    plain = "Chance of the outcome {} within the horizon."
    docs = {cause: _DOCS.get(cause, plain.format(cause.replace("_", " "))) for cause in causes}
    *first, last = columns("outcome_probabilities")
    chances = (Field(name, "decimal", doc, required=True) for name, doc in docs.items())
    return (*first, *chances, last)


def outcome_rows(chances: OutcomeProbabilities, stamp: Stamp) -> pd.DataFrame:
    """One row per customer and horizon, in the customers' order, horizons rising.

    The chances of a row are whole millionths that add up to one; no cause falls from one horizon
    to the next.
    """
    horizons, names = chances.horizons, ("stayed", *chances.causes)
    parts = rounded(chances.incidence).reshape(-1, len(names)) / 1e6
    rows = pd.DataFrame(
        {
            "schema_version": SCHEMA_VERSION,
            "run_id": stamp.run_id,
            "as_of_date": pd.Timestamp(stamp.as_of),
            "customer_id": chances.customer_id.repeat(len(horizons)).to_numpy(),
            "horizon_days": np.tile(horizons, len(chances.customer_id)),
            **dict(zip(names, parts.T, strict=True)),
            "model_version": stamp.model_version,
        }
    )
    texts = rows.select_dtypes(exclude=["number", "datetime"]).columns
    return rows.astype(dict.fromkeys(texts, "str"))
