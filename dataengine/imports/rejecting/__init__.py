"""Rejected rows: kept, counted, written out."""
