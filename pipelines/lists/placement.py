"""Placement of the night's customers: permissions, arm, peace, value and lane.

It joins what the steps need; the rules themselves are in ``lanes`` and ``contact``. Contact may
wake who stays out of inertia (Ascarza, Iyengar and Schleicher 2016).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.errors import ConfigError
from models.causal.sleeping_dogs import asleep, days_since
from models.dataset.array_types import Floats, Index
from models.metrics.profit import Contacts, uplift_value
from pipelines.config.economics import actions_with_offer, contacts_of
from pipelines.config.file import nearest
from pipelines.config.lists import Peace, RiskList, WorkSplit
from pipelines.config.settings import Settings
from pipelines.lists.contact import allowed_contact, use_channel
from pipelines.lists.lanes import RULES, SILENT_LANES, Capacity, arms, place
from pipelines.lists.permissions import Permissions
from pipelines.lists.previous_nights import Before, PublishedNight
from pipelines.scoring.scores import REMAINS, UPLIFT

_UNEVEN, _MOST_TEAMS = 1.1, 100


@dataclass(frozen=True, slots=True)
class NightContext:
    """What a night knows of its customers beside the scores.

    ``permissions`` has the index of the scores; ``key`` draws the holdout; ``before`` is what
    earlier nights published.
    """

    permissions: Permissions
    key: bytes
    before: Before


def with_values(settings: Settings, scored: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """``scored`` with ``asleep``, and with values where the company gives economics.

    Where it was measured how a customer like this one responds (``UPLIFT``), that decides and
    nobody counts as asleep. Elsewhere, where no trial has been, the rule before it stands.
    """
    reduction = scored.reindex(columns=[UPLIFT])[UPLIFT].to_numpy(dtype="float64")
    remains = scored.reindex(columns=[REMAINS])[REMAINS].fillna(1.0).to_numpy(dtype="float64")
    sleeps = asleep(scored, as_of, settings.list.peace.asleep_days)
    p = scored["churn_probability"].to_numpy(dtype="float64")
    offers = scored["suggested_action"].isin(actions_with_offer())
    cohort = scored.assign(asleep=sleeps, makes_offer=offers, as_of=pd.Timestamp(as_of))
    contacts = contacts_of(settings, cohort, p, as_of)
    scored = scored.assign(asleep=sleeps & np.isnan(reduction))
    if contacts is None:
        return scored

    def worth(each: Contacts) -> Floats:
        stays = remains * (1 - p)
        by_effect = uplift_value(reduction, each.value, each.economics, stays, each.offers)
        return np.where(np.isnan(reduction), each.worth(p, remains), by_effect)

    low, high = contacts
    return scored.assign(
        expected_value=worth(low),
        expected_value_high=worth(high),
        value_at_risk=p * remains * low.value,
        currency=settings.company.currency,
    )


def place_customers(
    settings: Settings, scored: pd.DataFrame, context: NightContext, as_of: date
) -> pd.DataFrame:
    """``scored`` with the columns of the lists about contact, arm and lane.

    ``scored`` has the columns of ``place`` that a rule table and economics give, and facts.
    """
    contact, before = settings.contact, context.before
    customers = context.permissions.customers
    household = customers["household_id"]
    allowed = allowed_contact(customers, contact, as_of, settings.company.country)
    scored = scored.join(allowed).assign(
        arm=arms(scored["customer_id"], household, context.key, settings.list.holdout_share)
    )
    scored = with_channels(settings, scored)
    was_called = _of(before.last, scored, "lane").eq("call")
    asked = scored.assign(
        expected_value=scored.get("expected_value", np.nan),
        satisfied_silent=satisfied_silent(settings.list.peace, scored, as_of),
        household_id=household,
        was_called=was_called,
        team=team_of(settings.list.split, scored),
    )
    lanes = place(asked, capacity_on(settings.list, as_of))
    called = lanes["lane"].eq("call")
    sources = lanes["lane_rule"].map({name: source for name, (_, source) in RULES.items()})
    nights = _of(before.last, scored, "nights_on_list").where(was_called).astype("float64")
    week_ago = _of(before.week_ago, scored, "churn_probability").astype("float64")
    channel = scored["use_channel"].where(called)
    first, last = contact.hours(settings.company.country)
    return scored.join(lanes).assign(
        is_new=called & ~was_called,
        nights_on_list=(nights.fillna(0) + 1).where(called, 0),
        risk_change_7d=scored["churn_probability"].round(6) - week_ago,
        lane_rule_source=sources.astype("category"),  # as codes: a sentence has some 80 bytes
        use_channel=channel,
        call_from=np.where(channel.eq("phone"), f"{first:%H:%M}", ""),
        call_until=np.where(channel.eq("phone"), f"{last:%H:%M}", ""),
        team=worklist_team(settings.list.split, asked.join(lanes["lane"]), before.last),
    )


def with_channels(settings: Settings, scored: pd.DataFrame) -> pd.DataFrame:
    """``scored`` with ``use_channel``, and minutes and values as by it: only the reached change."""
    contact = settings.contact
    preferred = scored.reindex(columns=["preferred_channel"])["preferred_channel"]
    scored = scored.assign(use_channel=use_channel(scored, preferred.astype("str"), contact.order))
    usual = settings.economics.contact_cost if settings.economics else 0.0
    values = [n for n in ("expected_value", "expected_value_high") if n in scored]
    for channel in contact.order:
        use = contact.use(channel)
        rows = scored["use_channel"].eq(channel) & scored["action_lane"].eq("call")
        cost = usual if use.cost is None else use.cost
        scored.loc[rows, values] = use.reach * (scored.loc[rows, values] + usual) - cost
        if use.minutes is not None:
            scored.loc[rows, "minutes"] = use.minutes
    return scored


def _of(night: PublishedNight | None, scored: pd.DataFrame, name: str) -> pd.Series:
    """What an earlier night published of each customer; null where it did not."""
    if night is None:
        return pd.Series(None, index=scored.index, dtype=object)
    return night.rows[name].reindex(scored["customer_id"].to_numpy()).set_axis(scored.index)


def satisfied_silent(peace: Peace, scored: pd.DataFrame, as_of: date) -> "pd.Series[bool]":
    """Satisfied at the latest survey, which is not too old, and without contact since long."""
    score = scored.reindex(columns=["csat_last_score"])["csat_last_score"]
    if peace.csat is None:
        return pd.Series(False, index=scored.index)
    on = scored.reindex(columns=["csat_last_on", "last_contact_on"])
    satisfied = score.astype("float64") >= peace.csat
    lately = days_since(on["csat_last_on"], as_of) <= peace.survey_days
    spoken = days_since(on["last_contact_on"], as_of)
    return satisfied & lately & (spoken.isna() | (spoken >= peace.silent_days))


def capacity_on(options: RiskList, day: date) -> Capacity:
    """The minutes of teams that have their own, and of all others, on a day's weekday."""
    total, own = options.minutes_on(day), options.split.minutes if options.split else {}
    teams = {name: total * n / options.capacity_minutes for name, n in own.items() if n}
    return Capacity(total - sum(teams.values()), teams=teams)


def team_of(split: WorkSplit | None, scored: pd.DataFrame) -> "pd.Series[str]":
    """Each customer's team by the column of ``split``; raises ``ConfigError`` for a wrong one."""
    by = split and split.by
    team = scored.reindex(columns=[by])[by].astype("str")
    names = sorted(team.dropna().unique())
    if by and not 0 < len(names) <= _MOST_TEAMS:
        why = f"{by} has {len(names):,} values, and 1 to {_MOST_TEAMS} can have a worklist each"
        raise ConfigError(f"list.split: {why}. Take another column, then run: stille nightly")
    for name in split.minutes if split else ():
        if name not in names:
            why = f"no customer has the {by} {name!r} of minutes{nearest(name, names)}"
            raise ConfigError(f"list.split: {why}. Mend it, then run: stille nightly")
    return team


def worklist_team(
    split: WorkSplit | None, rows: pd.DataFrame, before: PublishedNight | None
) -> "pd.Series[str]":
    """The team, or the number of the agent, whose worklist each customer is on; null for nobody.

    ``rows`` has ``customer_id``, ``lane``, ``minutes`` and the ``team`` of ``team_of``. An agent
    keeps the customers of the night before, and who is new is dealt by a hash of the id, while no
    agent has more than a tenth above the mean of the minutes of a lane.
    """
    works = rows["lane"].isin(["call", *SILENT_LANES])
    if split is None or split.agents is None:
        return rows["team"].where(works)
    ids, agents = rows["customer_id"], split.agents
    last = pd.Series(dtype="str") if before is None else before.rows.get("team", pd.Series())
    kept = pd.to_numeric(ids.map(last), errors="coerce")
    dealt = pd.util.hash_array(ids.to_numpy(dtype=object)) % agents
    first = np.where(kept <= agents, kept - 1, dealt).astype(np.intp)
    minutes = rows["minutes"].fillna(0).clip(lower=1).to_numpy(dtype=np.float64)
    agent = pd.Series(None, rows.index, dtype="str")
    for lane in rows.loc[works, "lane"].unique():
        here = rows["lane"].eq(lane).to_numpy(dtype=bool)
        agent[here] = _deal(first[here], minutes[here], agents).astype(str)
    return agent


def _deal(first: Index, minutes: Floats, agents: int) -> Index:
    """An agent (1 to ``agents``) by row, (n,): from the ``first`` on, the next who has room."""
    agent: Index = np.zeros(len(minutes), dtype=np.intp)
    load, room = np.zeros(agents + 1), _UNEVEN * minutes.sum() / agents
    for turn in range(agents):
        free = np.flatnonzero(agent == 0)
        choice = (first[free] + turn) % agents + 1
        taken = pd.Series(minutes[free]).groupby(choice).cumsum().to_numpy() + load[choice]
        agent[free[taken <= room]] = choice[taken <= room]
        load = np.bincount(agent, minutes, agents + 1).astype(np.float64)
    rest = np.flatnonzero(agent == 0)
    agent[rest] = 1 + np.argsort(load[1:], kind="stable")[np.arange(len(rest)) % agents]
    return agent
