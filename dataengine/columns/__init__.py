"""What a column can be: names, types, rules, and how each is written in SQL and JSON Schema. Pure."""
