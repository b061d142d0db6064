"""The least that a configuration must say."""

GOOD = """
company: {name: A, timezone: Europe/Oslo, currency: NOK, language: nb}
paths: {data: data}
sources:
  customers: {path: customers.csv}
training: {first_as_of: 2023-01-01}
"""
