"""The company's own tables, wherever they are kept, read into the contract's columns."""
