"""What the tests of sweeps share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tasks():
    """The tasks, importable by the workers under a name of their own."""
    spec = importlib.util.spec_from_file_location("sweep_tasks", HERE / "sweep_tasks.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["sweep_tasks"] = module
    spec.loader.exec_module(module)
    sys.path.insert(0, str(HERE))
    yield module
    sys.path.remove(str(HERE))
