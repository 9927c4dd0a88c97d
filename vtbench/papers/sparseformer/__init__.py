"""SparseFormer, its video, detection and segmentation networks, and the bootstrapped ones."""
