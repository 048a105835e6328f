"""The content of columns at a glance: samples and histograms. Only reads."""
