"""The meaning of events: documents, attributes, filters and patterns. Pure."""
