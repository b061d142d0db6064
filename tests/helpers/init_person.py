"""A person who answers ``stille init``."""

from datetime import date

from pipelines.onboarding.config_text import Firm
from pipelines.onboarding.init import Dialog

FIRM = Firm("Nord Kraft", "Europe/Oslo", "NOK", "nb")
TODAY = date(2026, 3, 1)


class Person:
    """Answers yes but to what is declined, and remembers everything that was said."""

    def __init__(self, *declined, answers=()):
        self.declined, self.heard, self.answers, self.asked = declined, [], list(answers), 0

    def ask(self, question):
        self.asked += 1
        self.heard.append(question)
        return not any(word in question for word in self.declined)

    def tell(self, question, usual):
        self.asked += 1
        self.heard.append(question)
        return self.answers.pop(0) if self.answers else usual

    def dialog(self):
        return Dialog(self.ask, self.tell, self.heard.append)
