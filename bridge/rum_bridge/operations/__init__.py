"""All methods but puts, built from the annotations of the contract."""
