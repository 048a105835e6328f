"""Records going out: CSV, JSON, workbooks. Streams; knows no HTTP."""
