"""Visual Transformers' blocks and networks."""
