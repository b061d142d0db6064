"""Examples, their encoding and their splits in time.

Every model sees rows through `Examples` and `FeatureSpec`, so column order and vocabulary have
one home.
"""
