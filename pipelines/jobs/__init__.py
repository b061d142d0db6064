"""Jobs: one file a run, each a plain function of a `Run`, whose `step` a scheduler may watch.

`entry` puts configuration, clock and run record around them; `JOBS` lists them.
"""
