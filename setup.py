"""What pyproject.toml cannot say: the suites stand at the top and ship inside the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["vtbench", "vtbench.*"]), "vtbench.suites"],
    package_dir={"vtbench.suites": "suites"},
    package_data={"vtbench": ["py.typed"], "vtbench.suites": ["*.toml"]},
)
