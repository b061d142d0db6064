"""Calibration: from a booster's log-odds to probabilities, one line a product line (Platt).

Recalibration moves the lines to newer outcomes, shrunk by how far months swing anyway.
"""
