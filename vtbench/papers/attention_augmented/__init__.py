"""Attention augmented convolutional networks."""
