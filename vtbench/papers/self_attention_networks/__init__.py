"""Self-attention networks (SAN)."""
