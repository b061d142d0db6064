"""Promotion: whether a version may become champion.

Each rule is a small check with its figure, so that a refusal says which one and by how much.
"""

__all__ = ["baseline_comparison", "champion_comparison", "rules", "verdict"]
