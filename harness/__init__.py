"""The real product, started as a user starts it: for benchmarks, and for faults that no single process can simulate."""
