"""The Python interface: ``vtbench.count`` and its like, which the package looks up on first use."""
