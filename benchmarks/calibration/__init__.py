"""What a monthly recalibration is worth, and how good the slopes are."""
