"""The JSON API: verb endpoints and resources. An entrance; asks services and queries for everything."""
