"""What the options make of a file: mapping, types, plan. Converts nothing."""
