"""The contract's words for what companies write in their columns."""

from collections.abc import Mapping

from pipelines.drafting.naming import bare

_WORDS: Mapping[str, str] = {
    "phone": "telefon tlf ring samtale inbound_call call",
    "email": "epost e-post mail e-mail",
    "chat": "nettprat chatt",
    "sms": "tekstmelding",
    "web": "nett nettside hjemmeside webb minside",
    "store": "butikk butik forhandler",
    "post": "brev papirpost",
    "inbound": "inn innkommende inkommande in",
    "outbound": "ut utgaende utgaaende out",
    "human": "menneske radgiver kundeservice manniska",
    "bot": "robot chatbot",
    "electricity": "strom el kraft elektrisitet elhandel",
    "broadband": "bredband fiber internett internet",
    "telephony": "telefoni mobil mobile",
    "insurance": "forsikring forsakring",
    "voluntary": "frivillig egen konkurrent eget_onske",
    "moved": "flytting flyttet flytt moving",
    "deceased": "dod dodsfall avliden",
    "non_payment": "mislighold betalingsmislighold manglende_betaling",
    "company": "selskapet leverandor",
    "autopay": "avtalegiro autogiro direktedebet",
    "einvoice": "efaktura e-faktura",
    "mobile": "vipps swish mobilbetaling",
    "card": "kort",
    "manual": "manuell giro kontofaktura manuellt",
    "paper": "papir papper",
    "read": "avlest avlast",
    "missing": "mangler saknas",
    "estimated": "estimert stipulert beraknad",
    "csat": "tilfredshet nojdhet",
    "loyalty": "nps lojalitet",
}


def word_map(values: tuple[str, ...], allowed: tuple[str, ...]) -> dict[str, str]:
    """The contract's word for each of a source's words that it knows; its own words need none."""
    known = {bare(word): word for word in allowed}
    for word in allowed:
        for other in _WORDS.get(word, "").split():
            known.setdefault(bare(other), word)
    return {v: known[bare(v)] for v in values if v not in allowed and bare(v) in known}
