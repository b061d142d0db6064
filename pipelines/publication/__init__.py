"""Publication of a night: files in every layout, manifest, atomic swap, reader.

A reader sees a whole night or the one before, never a part.
"""
