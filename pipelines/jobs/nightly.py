"""Batch scoring job: champion → tables → matrix → scores → reasons → lists, report → publication.

Published in one swap, so that no reader sees half a night.
"""

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd

from pipelines.config.measurement import EFFECT_VERSION, newest
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.config.text_files import text_file
from pipelines.explanation.page import write_call_pages
from pipelines.jobs.read_tables import read_tables
from pipelines.lists import night_lists
from pipelines.lists.actions import can_be_reasons, load_actions
from pipelines.lists.causes import CAUSES_NAME, write_causes
from pipelines.lists.changes import new_events_since
from pipelines.lists.inbound import write_inbound
from pipelines.lists.night_lists import NightLists
from pipelines.lists.permissions import read_permissions
from pipelines.lists.placement import NightContext
from pipelines.lists.previous_nights import read_before
from pipelines.lists.templates import load_templates
from pipelines.matrices.store import prune
from pipelines.publication.manifest import Stamp
from pipelines.publication.publish import publish, republish, staging_folder
from pipelines.publication.reader import Publication
from pipelines.reporting.collect import collect
from pipelines.reporting.write import write_report
from pipelines.runtime.environment import now
from pipelines.runtime.escaping import plain_json
from pipelines.runtime.mirrors import name_of
from pipelines.runtime.progress import bar
from pipelines.runtime.secret_keys import HOLDOUT, key_fingerprint, key_of
from pipelines.scoring import uplift
from pipelines.scoring.night import CohortScores, score_cohort
from pipelines.snapshots.facts import inputs_digest
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion, resolve_champion


@dataclass(frozen=True, slots=True)
class Night:
    """Where the night's publication stands and whether this run wrote it."""

    publication: Publication
    written: bool
    dry_run: bool = False


def nightly(run: Run, out: Path | None = None, *, backfill: bool = False) -> Night:
    """Publish the risk list of the as-of date; a second run on the same inputs changes nothing.

    ``out`` is by default the configuration's, where earlier nights are. Call inside ``publisher``.
    Raises ``ModelError`` without a usable champion, ``ContractError`` for broken tables,
    ``PublicationError`` when the disk refuses. In each case the last publication stays as it was.
    """
    settings, as_of, record, step = run.settings, run.as_of, run.record, run.step
    champion, out = resolve_champion(run), out or settings.paths.out
    snapshot = step(read_tables, run)
    key = key_of(HOLDOUT, settings.paths.var)
    stamp = _stamp(run, snapshot, champion, key)
    ready = republish(out, stamp)
    if ready is not None:
        record.publication = name_of(ready.folder)
        record.notes.append("nothing to do: this night is published already")
        return Night(ready, written=False)
    templates = load_templates(text_file("reasons", settings.list.languages[0]))
    attributes = settings.sources["customers"].attributes
    sayable = partial(can_be_reasons, templates, load_actions(), attributes)
    columns = night_lists.columns_of_everybody(settings)
    scored = step(score_cohort, run, snapshot, champion, sayable, columns)
    publication = Publication(out, as_of, record.run_id)
    with staging_folder(publication) as staging:
        ids = scored.rows["customer_id"]
        permissions = step(read_permissions, run, ids, snapshot)
        context = NightContext(permissions, key, read_before(settings.paths.out, as_of))
        events = step(new_events_since, run, snapshot, context.before)
        lists = step(write_night, run, scored, context, events, stamp, staging)
        lists = step(report_night, run, lists, context, snapshot, staging)
        with record.stage("publish"):
            publish(publication, lists.stamp, lists.schemas, backfill=backfill)
    record.publication = name_of(publication.folder)
    prune(settings, snapshot)
    return Night(publication, written=True)


def write_night(
    run: Run,
    scored: CohortScores,
    context: NightContext,
    events: pd.DataFrame,
    stamp: Stamp,
    staging: Path,
) -> NightLists:
    """Fill the staging folder: the risk list in each language, the lanes, changes, outcomes."""
    settings, languages = run.settings, run.settings.list.languages
    with run.record.stage("lists") as stage, bar("writing lists", len(languages)) as done:
        lists = night_lists.write_risk_lists(
            settings, scored.rows, scored.facts, context, stamp, staging, done
        )
        lists = night_lists.write_changes(context.before.last, events, lists)
        if scored.chances is not None:
            lists = night_lists.write_chances(scored.chances, lists)
        lists = write_causes(settings, scored.causes, lists)
        ids = scored.rows["customer_id"]
        lists = write_inbound(settings, ids, context.permissions, lists)
        stage.rows_out = len(scored.rows)
    return lists


def report_night(
    run: Run, lists: NightLists, context: NightContext, snapshot: Snapshot, staging: Path
) -> NightLists:
    """Write the report of the lists in ``staging`` beside them, and the pages of the called.

    Its status goes into the stamp of the lists that it returns.
    """
    settings, record, stamp = run.settings, run.record, lists.stamp
    with record.stage("report"):
        gates = tuple(record.gates)
        causes = pd.read_parquet(staging / f"{CAUSES_NAME}.parquet")
        facts = collect(settings, lists.rows, causes, context, snapshot, gates, stamp)
        write_report(facts, settings.list.languages, staging, run.config)
        record.tone = facts.run.tone
        status = {"tone": facts.run.tone, "notices": [asdict(each) for each in facts.run.notices]}
        if settings.list.call_pages:
            write_call_pages(settings, lists, snapshot, staging)
    return replace(lists, stamp=replace(stamp, facts=stamp.facts | {"status": status}))


def _stamp(run: Run, snapshot: Snapshot, champion: Champion, key: bytes) -> Stamp:
    return Stamp(
        as_of=run.as_of,
        run_id=run.record.run_id,
        created=now(),
        inputs_digest=inputs_digest(snapshot),
        config_digest=run.config_digest,
        model_version=champion.registered.label,
        model_digest=champion.registered.digest,
        horizon_days=run.settings.label.horizon_days,
        thresholds={},
        degraded=run.record.degraded,
        holdout_key=key_fingerprint(key),
        effect_digest=effect_digest(run.settings, run.as_of),
    )


def effect_digest(settings: Settings, as_of: date) -> str:
    """What names the measured effect and the model of who responds; empty without either."""
    model = uplift.model_digest(settings.paths.uplift)
    found = newest(settings.paths.effect, as_of, EFFECT_VERSION).data or {}
    measured = {name: found[name] for name in ("lots", "calls", "offers") if name in found}
    told = model + plain_json(measured).decode() if measured else model
    return told and hashlib.sha256(told.encode()).hexdigest()
