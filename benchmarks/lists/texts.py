"""What the page says around its tables."""

INTRO = """# Lists against other lists

Made by `python -m benchmarks.lists`. A simulated company ({customers:,} customers, {months} months,
seed {seed}) whose truth is known: what contacting each customer would change. A model that had
learned from what was known before {known} ranks the cohort on the first day of every month from
then to {last}; the truth is used to judge, never to rank. A simulation is an answer key, not
evidence about real people.

The call list has {minutes:,.0f} minutes of agents' time a night; every other list is as long as
it. *Value* is the truth's: leavers kept times their value, less offers and cost, in kroner and
summed over the nights. *Woken* are the sleeping dogs on a list that are asleep, *harm* is by how
many expected leavers contact raises leaving among them.
"""
DEALT = """## Had the types been dealt otherwise

The table above is one deal, and luck in it is large. The same lists over {deals} deals by the
simulator's own law, mean and standard deviation between deals, and with {long:,.0f} minutes a
night too: a long list reaches further down, to those who have not been heard of lately.
"""
ASLEEP = """## Who is asleep

In the simulator a sleeping dog is woken only while asleep: on autopay, and without any dealing with
the company, more the longer that is (from a month on, wholly after half a year). So sleepers are
silent **by construction**, and the same silence can be seen in the tables. That the product takes
the silent for sleepers is an assumption with a source (Ascarza, Iyengar and Schleicher 2016), not a
finding; only a company's own holdout shows who its sleepers are, and what it shows replaces the
assumption (`stille effect`). It has to call some sleepers for that, so for a while
`list.peace.asleep_days` must be null: a list that leaves them all in peace learns nothing of them.

Of those whom contact would make leave in all, the product lets those asleep be all
(`list.peace.asleep_days`, by default 30); the value of a contact then decides, so a sleeper of high
risk may still be called. *Avoided* is the part of the harm of a list by risk of the same length
that the call list does not do. *In peace* are those left so by this rule alone, and *persuadable*
are those of them who would have stayed because of a contact, means over the deals.
"""
TURNOVER = """## New names from one month to the next

Of last month's list some are no customers any more (*left*): whatever a list does, they make room
for new names. Of the others some *fell off* it, which is what a list can do something about; wanted
is at most 20 %. *New* is the share of new names, of both kinds. Who was on the list stays until the
risk falls below *stays* of the median risk of a list without a memory; the product's is {stays}.
Lift is the true chance of leaving of those on the list over that of all, value what contacting the
list brings a month, the mean over the deals. All are means over {companies} companies of other
seeds. Changes are against the list without a memory, with an interval of 95 % over customers. The
call list is filled by value and not by lift. Nobody is called here: who had been called would be
barred for a while (`contact.cooldown_days`).
"""
BY_RULE = """How steady could a list be? The same lists of the first company, by the rule that the
simulator itself follows: the true chance of leaving on the as-of date as far as any table shows it.
Who is likely to leave changes from month to month in truth, most of all at the very top, so a short
list that keeps four of five of its members has less lift whoever makes it.
"""
PILOT = """## Who responds

A pilot: the lot decides for everybody of the first night. Qini is in leavers kept per
1,000 customers, on customers unseen. The intervals are of 95 %.
The ranking by effect is used only where it beats the ranking by risk beyond doubt.
"""
CAUSES = """## Fix the cause

The value of removing each cause on {last}, `causes.csv` against the truth, of the drivers of which
something can be removed (not of tenure or product). *Worth at least*: by the truth, as a share of
the value of all who would leave.
"""
DRIVERS = """
The drivers worth most by the truth:
"""
WHY = """
Families are ranked well but for price, drivers only where they are strong. Drivers that come
together share what the model learned: waits and repeated contacts go with unsolved cases, so a wait
is given a part of what the case did. A driver that is the same for most customers at all times (a
closed tariff, no benefit, a gap to the market) can hardly be learned from who left, which is why
price as a family is worth more than the model says. Read the families and the first few drivers.
"""
