"""Verdict of the comparison in one sentence, with what to do now."""

from models.causal.treatment_effect import Effect


def verdict_sentence(effect: Effect) -> str:
    """The verdict and what to do now, in figures per 100 customers that the lot drew for contact.

    A verdict that is not there yet says so first: it is no finding that contact does nothing.
    """
    low, high = (_per_hundred(end) for end in (effect.difference.low, effect.difference.high))
    measured = f"of 100 drawn for contact, {_per_hundred(effect.difference.value)} leave than of "
    measured += f"100 held out (from {low} to {high})"
    if effect.verdict == "fewer_leave":
        return f"Contact keeps customers: {measured}. Go on."
    if effect.verdict == "more_leave":
        return f"Contact drives customers away: {measured}. Stop contacting, and find out why."
    if effect.verdict == "no_difference":
        assumed = _per_hundred(-(effect.smallest_itt or 0.0))
        return (
            f"Contact makes no difference that matters: {measured}, all of it less than the "
            f"{assumed} that are assumed. Contact in another way, or others."
        )
    unknown = "It cannot be told yet whether contact keeps customers or drives them away"
    if effect.smallest_itt is None:
        return f"{unknown}: nobody held out has left, or nobody was reached. Go on, and look again."
    compared = effect.treated + effect.held_out
    if effect.needed is not None and compared < effect.needed:
        return (
            f"{unknown}: about {effect.needed:,} customers are needed, {compared:,} have been "
            "compared. Go on, and look again."
        )
    return f"{unknown}: so far {measured}. Go on, and look again."


def _per_hundred(difference: float) -> str:
    """A difference of shares as customers of a hundred.

    >>> _per_hundred(-0.0241)
    '2.4 fewer'
    """
    return f"{abs(difference) * 100:.1f} {'fewer' if difference < 0 else 'more'}"
