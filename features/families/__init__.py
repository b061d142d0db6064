"""Driver families: each module declares the streams and features of one group of drivers.

A feature is one call; the catalogue collects them, so nothing else lists them.
"""
