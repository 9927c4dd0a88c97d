"""MViT, by torchvision's class."""
