"""Work that outlives a request: how it is rung for, claimed, watched, ended and shown. Does not do the work itself."""
