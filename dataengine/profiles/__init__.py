"""What a column holds, at a glance: samples and histograms. Reads only."""
