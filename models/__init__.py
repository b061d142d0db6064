"""Statistical learning on matrices: functions from tables to tables.

No clock, file, network or tracking below this package. Packages import downwards only: dataset,
then metrics, boosters, explain, drift, then calibration, competing_risks, causal, leaks, then
churn, then baselines and promotion.
"""
