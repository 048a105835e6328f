"""Every write: a service owns its transaction and its audit event. Knows no requests."""
