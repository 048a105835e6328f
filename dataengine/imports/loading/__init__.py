"""Converted rows into PostgreSQL, and the checks only PostgreSQL can make. Knows no services.

There are three ways in, one class each behind ``loader.Loader``: ``replacing``, ``appending`` and ``merging``.
"""
