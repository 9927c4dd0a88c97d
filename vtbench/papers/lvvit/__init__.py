"""LV-ViT."""
