"""Cells to values, and values to binary COPY. Knows no database."""
