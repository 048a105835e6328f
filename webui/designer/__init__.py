"""The pages on which tables are listed and designed. Knows no records."""
