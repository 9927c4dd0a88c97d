"""Squeeze-and-Excitation networks."""
