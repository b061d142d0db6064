"""Distribution shift between training and now, as effect sizes."""
