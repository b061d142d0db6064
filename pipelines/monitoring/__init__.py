"""Monitoring: past publications against outcomes, tonight's inputs against training.

Alarms are effect sizes with intervals, not tests of significance.
"""
