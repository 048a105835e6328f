"""Statements that the ORM has no words for: DDL, locks, time limits, progress. Knows the catalog, no services."""
