"""Which versions are installed: what an older one does otherwise is a condition of a test."""

import re
from importlib.metadata import PackageNotFoundError, version


def before(package: str, *release: int) -> bool:
    """Whether a package is installed in a version that comes before a release."""
    try:
        numbers = (int(each) for each in re.findall(r"\d+", version(package)))
    except PackageNotFoundError:
        return False
    return tuple(numbers)[: len(release)] < release
