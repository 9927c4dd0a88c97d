"""Local relation networks."""
