"""What flows through the program, frozen, and its files; no torch."""
