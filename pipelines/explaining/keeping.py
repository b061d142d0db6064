"""How long the data are kept and who receives them, as the answer to a customer says it.

GDPR article 15 asks for both. Where the company has not entered them, the answer says so: a guess
would be worse than none.
"""

from string import Template

from pipelines.explaining.lettertexts import Letter
from pipelines.settings import Settings


def kept(settings: Settings, letter: Letter) -> str:
    """For how many months, or that it is not told."""
    months = settings.privacy.kept_months
    text = letter.kept_untold if months is None else letter.kept_text
    return Template(text).substitute(company=settings.company.name, months=str(months))


def received(settings: Settings, letter: Letter) -> str:
    """Who receives the data beside the company's own people, nobody, or that it is not told."""
    names = settings.privacy.recipients
    text = letter.recipients_untold if names is None else letter.recipients_nobody
    if names:
        text = letter.recipients_text
    return Template(text).substitute(
        company=settings.company.name, recipients=", ".join(names or ())
    )
