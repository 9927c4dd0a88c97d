"""Residual networks for images and for clips."""
