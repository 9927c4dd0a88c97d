"""Visual Transformers, both versions of the paper."""
