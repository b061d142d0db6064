"""Distribution shift between training and now, as effect sizes.

A test of significance would alarm on any difference when rows are many.
"""
