"""Limits: the budget of bytes, rates of addresses, deadlines and turns of app monitors."""
