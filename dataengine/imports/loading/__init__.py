"""Loads converted rows into PostgreSQL and makes the checks that only PostgreSQL can make. Knows no services.

There are three ways of loading, one class each behind ``loader.Loader``: ``replacing``, ``appending`` and ``merging``.
"""
