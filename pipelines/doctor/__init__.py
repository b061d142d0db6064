"""Everything a night needs, looked at without changing anything."""
