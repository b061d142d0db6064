"""Pure point-in-time features and labels: tables in, one row per customer and as-of date out."""
