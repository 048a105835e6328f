"""Work that outlives a request: how it is rung for, claimed, watched and shown. Knows no particular work."""
