"""The `openrum` command."""
