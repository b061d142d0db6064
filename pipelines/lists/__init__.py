"""A night's lists: lanes, arms, reasons in words, actions and causes.

Who is called and why is decided here and nowhere else.
"""

__all__ = ["lanes", "night_lists", "placement", "risk_list", "templates"]
