"""Clocks: how long some steps took."""
