"""Which versions are installed: what an older one does otherwise is a condition of a test."""

import re
from importlib.metadata import version


def before(package: str, *release: int) -> bool:
    """Whether the installed version of a package comes before a release."""
    numbers = (int(each) for each in re.findall(r"\d+", version(package)))
    return tuple(numbers)[: len(release)] < release
