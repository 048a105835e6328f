"""The grammar of a source file: delimiter, quotes, header. Knows no types."""
