"""Resource policies: documents, conditions, principals and their evaluation. Pure."""
