"""Source connectors: a company's tables read into the contract's columns."""
