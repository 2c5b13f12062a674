"""What an event means: documents, attributes, filters and patterns. Pure."""
