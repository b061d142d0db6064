"""Drafts of a configuration from a folder of files (`stille init`).

Nothing is guessed in a run: guesses are made here once, shown, and confirmed by a person.
"""
