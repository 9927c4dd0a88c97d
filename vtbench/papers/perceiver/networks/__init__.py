"""Perceiver, and Perceiver IO of transformers."""
