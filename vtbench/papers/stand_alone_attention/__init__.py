"""Stand-alone self-attention in vision models."""
