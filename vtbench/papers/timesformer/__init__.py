"""TimeSformer, as transformers has it."""
