"""DETR, as transformers has it."""
