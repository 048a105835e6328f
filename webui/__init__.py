"""The console: knows HTML, and leaves everything else to dataengine."""
