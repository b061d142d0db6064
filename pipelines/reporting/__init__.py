"""The night's report: facts collected, charts and page in each language."""
