"""What each English sentence claims, and whether the source rows bear it out.

A sentence is read by the first claim that fits, in the order of the modules.
"""

# isort: off  (their order is that in which a sentence is read)
from benchmarks.sentences.claims import bills, information, prices, relationship, service

# isort: on
from benchmarks.sentences.claims.reading import CLAIMS, holds

__all__ = ["CLAIMS", "bills", "holds", "information", "prices", "relationship", "service"]
