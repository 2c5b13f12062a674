"""Who a caller is, and whether they may: signatures and, later, policies. Pure."""
