"""What an operator writes, section by section, and what may be wrong with it."""
