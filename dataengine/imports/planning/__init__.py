"""Decides by the options how a file is imported: mapping, types, plan. Converts nothing."""
