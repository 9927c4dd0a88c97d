"""SparseFormer's fast path: the same function on the same weights, computed faster."""
