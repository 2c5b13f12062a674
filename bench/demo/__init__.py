"""A month of a small shop's traffic, to look at: `make demo`."""
