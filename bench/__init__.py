"""Ratios against references that are measured in the same run, on the same server."""
