"""InsightService: checks requests, queries the projection, and reads events from the log."""
