"""The night's report: facts collected, charts and page in each language.

One offline page without script, made from what the night published.
"""
