"""The version and the address, where every room may read them."""

VERSION = "0.1.0"
HOMEPAGE = "https://pypi.org/project/vtbench/"
"""Where it is found, which is what a paper cites."""
