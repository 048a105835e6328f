"""What became of the rows that did not go in: kept, counted, written out."""
