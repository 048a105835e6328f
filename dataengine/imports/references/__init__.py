"""Knows which records the cells of reference columns mean. Does not know where the rows go."""
