"""ViViT."""
