"""Counting multiply-accumulates at the dispatcher."""
