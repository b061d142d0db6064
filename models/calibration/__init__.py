"""Calibration: from a booster's log-odds to probabilities, one line a product line (Platt)."""
