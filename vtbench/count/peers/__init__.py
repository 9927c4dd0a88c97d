"""Other counters beside ours: each is run on a model of its own, and its difference explained."""
