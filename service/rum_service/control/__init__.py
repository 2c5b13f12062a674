"""The operations that are not puts: app monitors, reading back, tags, policies, metrics."""
