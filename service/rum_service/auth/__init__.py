"""Authentication: who makes a call. Authorization: what its caller may do."""
