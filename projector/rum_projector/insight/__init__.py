"""InsightService: requests are checked, questions asked, and events read from the log."""
