"""Real tools that tests drive, installed or started by the tests themselves."""
