"""Token reduction, a method in each module: its rule, and the step that hangs it on a block."""
