"""Competing risks in discrete time: probabilities of each outcome by horizon.

A voluntary notice excludes the other outcomes, so they are modelled together and add up.
"""
