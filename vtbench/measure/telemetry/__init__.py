"""Watching a device while it works."""
