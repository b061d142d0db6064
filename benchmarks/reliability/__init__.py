"""Promises and faults, the tests that prove them, and the page of both."""
