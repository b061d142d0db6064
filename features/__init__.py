"""The data contract and point-in-time features: functions from tables to tables.

No clock, network, scheduler or file but the contract's own; the as-of date is an argument.
"""
