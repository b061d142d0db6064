"""Column-name similarity over Norwegian, Danish, Swedish and English synonyms.

A name becomes a set of English stems: lower case, without accents, split at every change of case
and every sign that is no letter, each word looked up among Norwegian, Danish, Swedish and English
synonyms. ``FakturaNr`` and ``invoice_id`` both become {invoice, id}.
"""

import re
import unicodedata
from difflib import SequenceMatcher
from functools import cache

_WORDS = """
access: tilgang
address: adresse adress
agent: saksbehandler handlaggare kundebehandler radgiver employee ansatt anstalld medarbeider
abandoned: avbrutt lagtpa avbruten uppgiven
accepted: akseptert godtatt accepterad takket
amount: belop sum totalbelop belopp amt
answer: svar besvart besvarad answered svarad
attribute: attributt egenskap attribut
benefit: fordel forman bonus
binding: bindingstid bindning bindingtid
broadband: bredband bredbaand fiber
bundle: pakke paket samlepakke
campaign: kampanje kampanj
case: sak arende henvendelsessak ticket
change: endring andring
channel: kanal
claim: skade skademelding skada erstatning
close: lukket avsluttet stangd avslutad lost closed stengt ended
complaint: klage klagomal reklamasjon reklamation
complete: fullfort ferdig slutford completed
consent: samtykke samtycke
contact: kontakt henvendelse samtale kontakter samtal
contract: avtale kontrakt avtal abonnement abonnemang kontrakter avtaler subscription
correct: korrigerer kreditert rattar korrigering corrects
customer: kunde kund kunder client klient cust
deliver: levert leverans levering levererad delivered
direction: retning riktning
due: forfall forfaller forfallo
effective: virkning ikrafttredelse gjelder galler ikrafttradande
email: epost mail
end: slutt slut utlop avsluttes opphor
estimate: estimert stipulert beraknad estimated uppskattad
event: hendelse handelse
fail: feilet mislykket misslyckad failed avvist
fee: gebyr avgift
first: forste forsta
format: fakturaformat
grant: innvilget beviljad granted
handle: behandlet handled hanterad
household: husstand hushall
id: nr nummer no num number key nokkel ident identifikator identifier
incident: avbrudd feil avbrott storning driftsavbrudd outage fault driftsstans
invoice: faktura fakturaer bilag rakning bill fakturor
issue: utstedt utstalld issued
join: innmeldt joined
kind: type typ slag art
last: siste sista
line: linje linjer rader lines rad
list: liste lista
master: grunndata stamdata
meter: maler matare
method: metode betalingsmate betalsatt betalingsmetode
moment: tid tidspunkt tidpunkt time timestamp klokkeslett
month: maned manad
n: antall antal count
name: navn namn fornavn etternavn fornamn efternamn
national_id: personnummer fodselsnummer fnr ssn
new: ny nytt nye
notice: varsel melding notifikasjon avisering notification varsler
notify: varslet oppsagt meldt aviserad notified uppsagd
offer: tilbud erbjudande
old: gammel gammalt tidligere forrige
on: dato dag datum date day
open: apnet oppnet oppstod opened
order: ordre bestilling bestallning
outcome: utfall
reason: arsak grunn orsak
outage: strombrudd
paid: betalt utbetalt betald
pay: betaling innbetaling betalning payment payments betalinger
phone: telefon tlf mobil
plan: tariff prisplan produktplan
planned: planlagt planerad
price: pris priser
product: produkt vara
promise: lovet frist utlovad promised
reading: avlesning avlasning malerstand matarstallning
reminder: purring paminnelse inkassovarsel purringer paminnelser
reply: besvarelse replied
resolve: lost resolved
satisfaction: tilfredshet nojdhet
score: poeng karakter betyg
seconds: sekunder sek
segment: kundesegment kundetype
self: selv sjalv
send: sendt skickad sent utsendt
service: betjening tjeneste tjanst
start: begynt startet inngatt borjan started
status: tilstand
step: steg
survey: undersokelse enkat sporreundersokelse nps csat
task: oppgave uppgift
template: mal mall
termination: oppsigelse uppsagning oppsigelser cancellation avslutning
topic: emne tema amne kategori
transfer: overfort viderekoblet overforinger transfers kopplad
treatment: tiltak atgard
until: til tom
use: brukt anvand used
valid: gyldig giltig
value: verdi varde
wait: ventetid vente vantetid vantade
"""


_ENDINGS = ("", "s", "r", "n", "er", "ar", "or", "en", "es", "ene", "erna", "arna", "orna")
# Words that tell a moment from a day, or one export from the next, and nothing more.
_EMPTY = {"on", "at", "moment", "export", "crm", "dump", "tbl", "fact", "dim", "data", "v"}


@cache
def _stems() -> dict[str, str]:
    pairs = (line.partition(": ") for line in _WORDS.strip().splitlines())
    return {word: stem for stem, _, words in pairs for word in (stem, *words.split())}


@cache
def plain(name: str) -> str:
    """Lower case, without accents.

    >>> plain("Målernr")
    'malernr'
    """
    spelled = name.replace("ø", "o").replace("Ø", "O").replace("æ", "ae").replace("Æ", "Ae")
    folded = unicodedata.normalize("NFKD", spelled)
    return "".join(sign for sign in folded if not unicodedata.combining(sign)).lower()


@cache
def stems(name: str) -> frozenset[str]:
    """The English stems of a name's words, without those that every export has.

    >>> sorted(stems("FakturaNr"))
    ['id', 'invoice']
    """
    joined = re.sub(r"\b([eE])[-_ ](?=post|mail|faktura|invoice)", r"\1", name)
    parts = re.sub(r"([a-z0-9æøåäö])([A-ZÆØÅÄÖ])", r"\1 \2", joined)
    words = [word for word in re.split(r"[^a-z]+", plain(parts)) if word]
    return frozenset(stem for word in words for stem in _split(word)) - _EMPTY


def _split(word: str) -> tuple[str, ...]:
    """A word's stem; a compound such as ``fakturanr`` is split in two known words."""
    found = _stem(word)
    if found is not None:
        return (found,)
    for cut in range(len(word) - 2, 2, -1):
        head, tail = _stem(word[:cut]), _stem(word[cut:])
        if head is not None and tail is not None:
            return head, tail
    return (word,)


def _stem(word: str) -> str | None:
    """The stem of a known word in one of its usual endings."""
    known = _stems()
    for ending in _ENDINGS:
        if word.endswith(ending):
            base = word.removesuffix(ending)
            for form in (base, f"{base}e"):
                if form in known:
                    return known[form]
    return None


@cache
def likeness(name: str, target: str, context: str = "") -> float:
    """How alike two names are, from 0 to 1: shared stems first, then letters.

    Words of ``context`` (the table's name) say nothing new in either, as in
    ``faktura_belop`` among invoices.
    """
    if plain(name) == plain(target):
        return 1.0
    around = stems(context)
    ours, theirs = stems(name), stems(target)
    ours, theirs = ours - around or ours, theirs - around or theirs
    if ours == theirs:
        return 0.95
    shared = len(ours & theirs) / max(len(ours | theirs), 1)
    letters = SequenceMatcher(None, plain(name), plain(target)).ratio()
    return max(0.9 * shared, 0.8 * letters)
