"""Lists of records: filters, search, order, pages, counts. Reads only."""
