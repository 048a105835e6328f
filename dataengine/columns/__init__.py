"""What a column can be: names, types, rules, and how each is said in SQL and JSON Schema. Pure; knows no database."""
