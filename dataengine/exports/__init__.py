"""Records on their way out: CSV, JSON, workbooks. Streams; knows no HTTP."""
