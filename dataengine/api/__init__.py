"""The JSON API: verb endpoints and resources. An entrance: everything is done by services and queries."""
