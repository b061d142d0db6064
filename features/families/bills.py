"""Bills as they stand: what corrections left of them, what is usual beside them, what is paid.

A correction with a negative amount is a credit note: it takes from the bill that it names, and a
bill that is credited in full stands no more. One with a positive amount is a reissue: it replaces
the bill that it names, and the earlier reissues of that bill. Each counts from when it was known,
so a bill has a row for each state that it was in, with ``replaced_at``.
"""

from features.feature import Family

FAMILY = Family("billing_friction")

# A bill beside the twelve before it and that of the same month a year before.
_BESIDE = """
    row_number() over series > 3 as comparable, median(owed) over past as usual,
    lag(owed) over same_month as year_ago, lag(issued_on) over same_month as year_ago_on
"""
_SERIES = """
    window series as (partition by {of} order by {known}),
        past as (partition by {of} order by {known} rows between 12 preceding and 1 preceding),
        same_month as (partition by {of}, month(issued_on) order by {known})
"""
_PLAIN = _SERIES.format(of="customer_id", known="known_at, event_at, invoice_id")
_SPLIT = _SERIES.format(of="customer_id, contract_id, since", known="seq")
_YEAR_AGO = "case when year_ago_on between issued_on - 380 and issued_on - 350 then year_ago end"

# A correction counts ``since`` it was known; before the first as-of date, it always has.
# ``root`` is the bill at the end of a chain of corrections, as far as known when the row came.
CORRECTIONS = FAMILY.stream(
    "corrections",
    reads=("invoices",),
    # A correction that is not marked as one would be taken for a bill.
    needs=("invoices.corrects_invoice_id",),
    sql="""
    with recursive corrections as (
        select customer_id, event_at, known_at, invoice_id, corrects_invoice_id as corrects, amount
        from invoices where corrects_invoice_id is not null
    ),
    chains as (
        select customer_id, invoice_id, corrects as root, known_at, 1 as links from corrections
        union all
        select n.customer_id, n.invoice_id, c.corrects, n.known_at, n.links + 1
        from chains n join corrections c on c.customer_id = n.customer_id
            and c.invoice_id = n.root and c.known_at <= n.known_at
        where n.links < 9
    )
    select *, case when known_at < first_midnight() then timestamp '0001-01-01' else known_at end
        as since
    from corrections join (
        select customer_id, invoice_id, arg_max(root, links) as root from chains group by all
    ) using (customer_id, invoice_id)
    """,
)

# A reissue replaces the bill that it corrects, and every earlier reissue of it: ``gone_at``.
CORRECTED_BILLS = FAMILY.stream(
    "corrected_bills",
    reads=("invoices",),
    bases=("corrections",),
    sql="""
    with reissues as (
        select *, lead(known_at) over (
            partition by customer_id, root order by known_at, event_at, invoice_id) as gone_at
        from stream_corrections where amount > 0
    ),
    originals as (
        select customer_id, root as invoice_id, min(known_at) filter (amount > 0) as gone_at
        from stream_corrections group by all
    )
    select customer_id, invoice_id, root, gone_at from reissues
    union all
    select customer_id, invoice_id, null, gone_at
    from originals anti join reissues using (customer_id, invoice_id)
    """,
)

# The customers whose bills are more than one a month, or change between as-of dates.
BILL_EPOCHS = FAMILY.stream(
    "bill_epochs",
    reads=("invoices",),
    bases=("corrections", "corrected_bills"),
    sql="""
    with others as (
        select customer_id from stream_corrections where since > timestamp '0001-01-01'
        union
        select customer_id from invoices i anti join (
            select * from stream_corrected_bills where gone_at < first_midnight()
        ) b on b.customer_id = i.customer_id and b.invoice_id = i.invoice_id
        where corrects_invoice_id is null or amount > 0
        group by all
        having count(contract_id) > 0
            or count(*) > count(distinct 12 * year(issued_on) + month(issued_on))
    )
    select *, lead(since) over (partition by customer_id order by since) as until
    from (
        select customer_id, since from stream_corrections semi join others using (customer_id)
        union select customer_id, timestamp '0001-01-01' from others
    )
    """,
)

# Most customers are ``plain``: one bill a month, the same at all as-of dates. The bills of the
# others are seen anew in each epoch; as no feature goes back more than a year, and no comparison
# more than twelve bills, old ones are left as they were. Where bills come more than three in two
# months (``several``), each is compared with the one nearest to its day, then to its amount, in
# each of the twelve months before.
INVOICES = FAMILY.stream(
    "invoices",
    bases=("corrections", "corrected_bills", "bill_epochs"),
    versions=True,
    sql=f"""
    with others as (select distinct customer_id from stream_bill_epochs),
    epochs as (
        select * from stream_bill_epochs
        union all
        select distinct customer_id, timestamp '0001-01-01', null
        from stream_corrections anti join others using (customer_id)
    ),
    credits as (
        select e.customer_id, e.since, corrects as invoice_id,
            cast(sum(-amount) as bigint) as credit
        from epochs e join stream_corrections c
            on c.customer_id = e.customer_id and c.since <= e.since
        where amount < 0 group by all
    ),
    documents as (
        select i.customer_id, event_at, known_at, i.invoice_id, contract_id, issued_on, due_on,
            amount, n_lines, estimated, cast(format = 'paper' as integer) as paper, paper_fee,
            b.root, case when b.gone_at < first_midnight() then timestamp '0001-01-01'
                else coalesce(b.gone_at, timestamp '9999-01-01') end as gone_at,
            b.invoice_id is not null as corrected
        from invoices i left join stream_corrected_bills b
            on b.customer_id = i.customer_id and b.invoice_id = i.invoice_id
        where corrects_invoice_id is null or amount > 0
    ),
    plain as (
        select *, row_number() over series as seq, {_BESIDE}
        from (
            select d.customer_id, event_at, known_at, d.invoice_id, root, issued_on, due_on,
                amount - coalesce(credit, 0) as owed, n_lines, estimated, paper, paper_fee
            from documents d anti join others o on o.customer_id = d.customer_id
            left join credits c on c.customer_id = d.customer_id and c.invoice_id = d.invoice_id
            where gone_at > timestamp '0001-01-01' and coalesce(amount > credit, true)
        )
        {_PLAIN}
    ),
    states as (
        select d.*, e.since, until, amount - coalesce(credit, 0) as owed
        from (
            select *, row_number() over (
                partition by customer_id order by known_at, event_at, invoice_id) as seq
            from documents semi join others using (customer_id)
        ) d
        join stream_bill_epochs e on e.customer_id = d.customer_id
            and known_at < coalesce(until, timestamp '9999-01-01')
            and (corrected or known_at >= e.since - interval 1500 day)
        left join credits c on c.customer_id = d.customer_id and c.since = e.since
            and c.invoice_id = d.invoice_id
        where e.since < gone_at and coalesce(amount > credit, true)
    ),
    split as (
        select *, {_BESIDE}, row_number() over series > 3
            and greatest(issued_on, lag(issued_on) over series) - first_value(issued_on) over past
                < 20 * count(*) over past as several
        from states
        {_SPLIT}
    ),
    nearest as (
        select customer_id, since, seq, months,
            arg_min(earlier, (floor(abs(days - 30.44 * months) / 5), abs(owed - earlier), place))
                as owed
        from (
            select m.customer_id, m.since, m.seq, m.owed, b.owed as earlier, b.seq as place,
                m.issued_on - b.issued_on as days, round(days / 30.44) as months
            from split m join states b on b.customer_id = m.customer_id and b.since = m.since
                and b.seq < m.seq and b.contract_id is not distinct from m.contract_id
            where several
        )
        where months between 1 and 12 group by all
    ),
    monthly as (
        select customer_id, since, seq, case when count(*) > 2 then median(owed) end as typical,
            max(owed) filter (months = 12) as year_before
        from nearest group by all
    )
    select * exclude (year_before), case when typical > 0 then owed / typical end as shock,
        case when year_before > 0 then owed / year_before end as shock_year
    from (
        select customer_id, event_at, known_at, cast(null as timestamp) as replaced_at, seq,
            invoice_id, root, issued_on, due_on, owed, n_lines, estimated, paper, paper_fee,
            case when comparable then usual end as typical, {_YEAR_AGO} as year_before
        from plain
        union all
        select s.customer_id, event_at, greatest(known_at, s.since),
            case when corrected or known_at >= until - interval 750 day then until end, s.seq,
            invoice_id, root, issued_on, due_on, owed, n_lines, estimated, paper, paper_fee,
            case when several then typical when comparable then usual end,
            case when several then year_before else {_YEAR_AGO} end
        from split s left join monthly m
            on m.customer_id = s.customer_id and m.since = s.since and m.seq = s.seq
        where corrected or known_at >= s.since - interval 750 day
    )
    """,
)

# An aggregate passes over every row of its stream: one that few count in has those to itself.
UNUSUAL_INVOICES = FAMILY.stream(
    "unusual_invoices",
    reads=("invoices",),
    bases=("invoices",),
    versions=True,
    sql="""
    select customer_id, event_at, known_at, replaced_at, issued_on, estimated, paper_fee,
        false as correction
    from stream_invoices where estimated or paper_fee > 0
    union all
    select customer_id, event_at, known_at, null, issued_on, false, 0, true
    from invoices where corrects_invoice_id is not null
    """,
)

# What is paid, or paid back, by and by. A payment of an unknown amount pays all that is owed,
# and one of an unknown bill any bill before it: neither is a bill that was not paid. A minor unit
# short is rounding. A bill paid by its due day is never overdue, whatever the as-of date.
_UNKNOWN = 10**15
OVERDUE_INVOICES = FAMILY.stream(
    "overdue_invoices",
    reads=("invoices",),
    optional=("payments",),
    bases=("invoices",),
    versions=True,
    sql=f"""
    with receipts as (
        select customer_id, invoice_id, known_at, known_at as since,
            coalesce(amount, {_UNKNOWN}) as amount
        from payments
        where (not coalesce(failed, false) or failed_on is not null)
            and (invoice_id is not null or coalesce(amount, 1) > 0)
        union all
        select customer_id, invoice_id, known_at,
            greatest(known_at, known_payments(midnight(failed_on))), -coalesce(amount, {_UNKNOWN})
        from payments
        where failed and failed_on is not null
            and (invoice_id is not null or coalesce(amount, 1) > 0)
    ),
    refunds as (select customer_id from payments where amount < 0),
    bills as (
        select i.* from stream_invoices i anti join (
            select p.*, coalesce(amount, {_UNKNOWN}) as paid
            from payments p anti join refunds using (customer_id)
            where not coalesce(failed, false)
        ) p on p.customer_id = i.customer_id and p.invoice_id = i.invoice_id and paid >= owed - 1
            and (p.known_at < due_on or p.known_at < midnight(due_on + 1))
        where due_on is not null and issued_on >= history_payments() and owed > 1
    ),
    named as (
        select customer_id, invoice_id, root, min(known_at) as known_at
        from stream_invoices where root is not null group by all
    ),
    moments as (
        select *, known_at as since, 0 as amount from bills
        union all
        select b.*, greatest(b.known_at, t.since, coalesce(n.known_at, t.since)), t.amount
        from receipts t left join named n
            on n.customer_id = t.customer_id and n.invoice_id = t.invoice_id
        join bills b on b.customer_id = t.customer_id
            and coalesce(b.root, b.invoice_id) = coalesce(n.root, t.invoice_id)
        union all
        select b.*, greatest(b.known_at, t.since), sign(t.amount) * {_UNKNOWN}
        from receipts t join bills b on b.customer_id = t.customer_id and b.event_at <= t.known_at
        where t.invoice_id is null
    )
    select customer_id, event_at, since as known_at, due_on, until as replaced_at
    from (
        select *, sum(amount) over state as paid,
            coalesce(lead(since) over state, replaced_at) as until
        from moments where since < coalesce(replaced_at, timestamp '9999-01-01')
        window state as (partition by customer_id, invoice_id, known_at order by since)
    )
    where owed - paid > 1 and coalesce(until > since and until >= midnight(due_on + 1), true)
    """,
)

# Late is what comes after the due day of a bill that stood when the payment was known.
LATE_PAYMENTS = FAMILY.stream(
    "late_payments",
    reads=("invoices", "payments"),
    bases=("corrections", "corrected_bills"),
    reveals={"failed": "failure_known_at"},
    sql="""
    with late as materialized (
        select p.customer_id, p.event_at, p.known_at, failed, failed_on, invoice_id,
            i.amount as billed, date_diff('day', due_on, paid_on) as days_late
        from payments p join (
            select * from invoices where corrects_invoice_id is null or amount > 0
        ) i using (customer_id, invoice_id)
        where i.known_at <= p.known_at and paid_on > due_on and coalesce(p.amount, 1) > 0
    )
    select p.customer_id, event_at, known_at, failed, days_late,
        coalesce(known_payments(midnight(failed_on)), known_at) as failure_known_at
    from late p left join stream_corrected_bills b
        on b.customer_id = p.customer_id and b.invoice_id = p.invoice_id
    where coalesce(gone_at > known_at, true)
        and coalesce(billed > (
            select -sum(c.amount) from stream_corrections c
            where c.customer_id = p.customer_id and c.corrects = p.invoice_id
                and c.known_at <= p.known_at and c.amount < 0), true)
    """,
)
