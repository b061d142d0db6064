"""What happens to the customers in a month, one thing leading to another."""

import numpy as np

from pipelines.simulator.barring import bar
from pipelines.simulator.benefits import grant_benefits
from pipelines.simulator.billing import send_bills
from pipelines.simulator.casework import serve
from pipelines.simulator.claims import make_claims
from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.complaints import Grounds, complain
from pipelines.simulator.faults import break_things
from pipelines.simulator.feedback import ask
from pipelines.simulator.marketing import approach
from pipelines.simulator.masterdata import change_preferences
from pipelines.simulator.orders import take_orders
from pipelines.simulator.outreach import reach_out
from pipelines.simulator.paying import change_ways_of_paying, pay_bills
from pipelines.simulator.pricelist import PriceBook, turn_price_list
from pipelines.simulator.prices import review_prices
from pipelines.simulator.readings import read_meters
from pipelines.simulator.record import TOPICS
from pipelines.simulator.selfservice import help_themselves
from pipelines.simulator.service import BILLING, FAULT, MOVE, OTHER, PAYMENT, PRICE
from pipelines.simulator.world import Month, World, irritate

_COMPLAIN = 0.10
_IDLE_RATES = {MOVE: 0.006, OTHER: 0.050, PRICE: 0.010}


def happen(world: World, month: Month, book: PriceBook) -> None:
    """The events of a month, in the order in which one leads to another."""
    turn_price_list(book, month)
    rates, first, struck = _cause_contacts(world, month)
    change_ways_of_paying(world, month)
    change_preferences(world, month)
    approach(world, month, book)
    grant_benefits(world, month)
    read_meters(world, month)
    reach_out(world, month)
    make_claims(world, month)
    bar(world, month)
    missed = take_orders(world, month)
    talks = serve(world, month, rates, first, help_themselves(world, month))
    about_bills = talks.topic == BILLING
    irritate(world, month, "unclear_bill", talks.rows[about_bills], talks.day[about_bills])
    hard = talks.hard & ~talks.again
    unsolved = Grounds(talks.rows[hard], talks.day[hard] + 7, talks.topic[hard], _COMPLAIN)
    complain(world, month, (struck, missed, unsolved))
    ask(world, month, talks)


def _cause_contacts(world: World, month: Month) -> tuple[Floats, Ints, Grounds]:
    """Bills, payments, prices, faults: rate of contacts and first day by topic, and grounds."""
    bills = send_bills(world, month)
    rates = np.zeros((len(world), len(TOPICS)))
    first = np.full((len(world), len(TOPICS)), month.first)
    for topic, rate in _IDLE_RATES.items():
        rates[:, topic] = rate
    rates[:, BILLING], first[:, BILLING] = bills.worry, bills.issued
    rates[:, PAYMENT], first[:, PAYMENT] = pay_bills(world, month, bills), bills.due
    worry, told = review_prices(world, month)
    rates[:, PRICE] += worry
    first[:, PRICE] = told
    struck = break_things(world, month)
    rates[:, FAULT], first[:, FAULT] = struck.rate, struck.first
    return rates, first, struck.grounds
