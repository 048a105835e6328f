"""Statements that the ORM cannot express: DDL, locks, time limits, progress. Knows the catalog, no services."""
