"""A night's scores: probabilities, contributions, effects and the risk without a driver.

Scores are the same bytes whatever the number of shards.
"""
