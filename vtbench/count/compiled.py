"""Compiled code is counted as it is written: torch refuses to compile under a dispatch mode."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch

_FLEX = "torch.nn.attention.flex_attention"
_FLEX_UNCOMPILED = "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"


@contextmanager
def compiled_code_as_written() -> Iterator[None]:
    """Run what ``torch.compile`` wraps as plain Python, for the length of the block.

    Otherwise a model that was compiled with ``fullgraph=True`` raises under a dispatch mode, and
    so does flex attention, which compiles itself. The compiler is slow to import: where nobody
    has imported it, nothing is compiled, and it is left alone.
    """
    flex = sys.modules.get(_FLEX)
    with ExitStack() as stack:
        if flex is not None and hasattr(flex, _FLEX_UNCOMPILED):
            stack.enter_context(mock.patch.object(flex, _FLEX_UNCOMPILED, new=True))
            flex = None
        if flex is not None or "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield
