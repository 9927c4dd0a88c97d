"""Token reduction on vision transformers."""
