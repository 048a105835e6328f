"""What entrances share about HTTP: streaming and throttling. Knows no tables."""
