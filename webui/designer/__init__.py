"""The pages that list and design tables. Knows no records."""
