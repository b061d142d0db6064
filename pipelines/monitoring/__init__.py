"""Model monitoring: performance of past publications, input drift, and source freshness."""
