"""Video Swin, as torchvision has it."""
