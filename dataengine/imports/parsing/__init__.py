"""Text to rows, by a fast engine for clean blocks and a careful one for the rest. Knows no types."""
