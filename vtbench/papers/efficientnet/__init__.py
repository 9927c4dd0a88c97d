"""EfficientNet, as timm has it."""
