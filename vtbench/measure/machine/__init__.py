"""Which devices there are, and what may distort measurements on them."""
