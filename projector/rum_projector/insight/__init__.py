"""InsightService: requests are checked, questions call, and events read from the log."""
