"""What a device can do at most, and how near a model comes to it."""
