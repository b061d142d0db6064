"""Prefect: flows, schedules, and a run without Prefect where there is none.

The only package that imports Prefect; a flow calls the same job as the command line.
"""
