"""Who may send events to an app monitor."""
