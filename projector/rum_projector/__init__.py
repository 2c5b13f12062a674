"""The projector: reads the log in the order of its commits and writes columns for analysis."""
