"""SparseFormer's networks."""
