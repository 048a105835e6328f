"""The grid of records: cells, filters, charts, selections, forms. Knows no imports."""
