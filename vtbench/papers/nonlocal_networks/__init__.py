"""Non-local neural networks."""
