"""UperNet on Swin-T, as transformers has it."""
