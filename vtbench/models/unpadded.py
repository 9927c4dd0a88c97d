"""Models of transformers that are built to make no attention mask.

Attention masks of transformers say which pixels are padding; whether there are any is decided by
their values. Images of one size have none, so these models are built to make no mask, which lets
them run on shapes alone. What they compute is the same.
"""

from __future__ import annotations

from typing import Any

from vtbench.models.packages import imported

UNPADDED = "vtbench_unpadded"
"""Under which name transformers' own fused attention stands without a mask."""


def unpadded(transformers: Any) -> dict[str, str]:
    """The option that leaves masks out; nothing in versions that cannot be told."""
    interface = getattr(transformers, "AttentionInterface", None)
    if interface is None:
        return {}
    fused = imported("transformers.integrations.sdpa_attention").sdpa_attention_forward
    interface.register(UNPADDED, fused)
    return {"attn_implementation": UNPADDED}
