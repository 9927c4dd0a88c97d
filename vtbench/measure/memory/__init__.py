"""The memory of a step, measured and predicted."""
