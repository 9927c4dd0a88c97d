"""How long, how much memory, under which conditions; knows nothing of what a paper claims."""
