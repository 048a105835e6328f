"""Converted rows into PostgreSQL, and the checks only PostgreSQL can make. Knows no services."""
