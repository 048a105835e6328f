"""The console: knows HTML, asks dataengine for everything."""
