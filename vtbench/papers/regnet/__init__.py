"""RegNet, as timm has it."""
