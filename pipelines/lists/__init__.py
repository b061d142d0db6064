"""A night's lists: lanes, arms, reasons in words, actions and causes.

Who is called and why is decided here and nowhere else.
"""
