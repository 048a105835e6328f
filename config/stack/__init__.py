"""The embedded stack of `make run`: servers, supervisor, demo data. Nothing else in config knows it."""
