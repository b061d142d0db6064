"""Health checks: everything that a night needs, examined without changing anything."""
