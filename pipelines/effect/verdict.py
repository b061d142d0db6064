"""Verdict of the comparison in one sentence, with what to do now."""

from models.causal.treatment_effect import Effect

_SENTENCES = {
    "fewer_leave": "Contact keeps customers: {measured}. Go on.",
    "more_leave": "Contact drives customers away: {measured}. Stop contacting, and find out why.",
    "no_difference": "Contact makes no difference that matters: {measured}, all of it less than "
    "the {assumed} that are assumed. Contact in another way, or others.",
    "not_measurable_yet": "It cannot be told yet whether contact keeps customers or drives them "
    "away: {compared} have been compared, {needed} are needed. Go on, and look again.",
}


def verdict_sentence(effect: Effect) -> str:
    """The verdict in figures per 100 customers whom the lot drew for contact.

    Without a verdict that is said first: it is no finding that contact does nothing.
    """
    found = effect.difference
    value, low, high, assumed = (
        f"{abs(100 * each):.1f} {'fewer' if each < 0 else 'more'}"
        for each in (found.value, found.low, found.high, -(effect.smallest_itt or 0.0))
    )
    return _SENTENCES[effect.verdict].format(
        measured=f"of 100 drawn for contact, {value} leave than of 100 held out ({low} to {high})",
        assumed=assumed,
        compared=f"{effect.treated + effect.held_out:,}",
        needed="many more" if effect.needed is None else f"about {effect.needed:,}",
    )
