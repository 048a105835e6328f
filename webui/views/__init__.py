"""A view for each page or action: fetch with permission, validate, call one service, render."""
