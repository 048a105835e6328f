"""The engine: tables, records and imports in PostgreSQL. Knows no HTML."""
