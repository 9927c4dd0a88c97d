"""Perceiver and Perceiver IO."""
