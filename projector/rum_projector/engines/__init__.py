"""The databases that can keep the projection, behind one interface."""
