"""Sources: readers of files and databases, bound to the contract's columns.

`READERS` has one line for each kind; types, zones and decimal signs are declared, never guessed.
"""
