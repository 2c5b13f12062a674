"""The contract for operators: credentials."""
