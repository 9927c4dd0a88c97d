"""Tokens taken out of a batch, and where the others went."""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.host import Host


def rows(index: Tensor, tokens: int) -> Tensor:
    """Where the tokens of index (B, K) are if all images' tokens, so many each, lie in one list."""
    batch = index.shape[0]
    first = torch.arange(0, batch * tokens, tokens, device=index.device)
    return (index + first[:, None]).flatten()


def taken(x: Tensor, index: Tensor) -> Tensor:
    """The tokens (B, K, C) of x (B, N, C) that index (B, K) names, in its order.

    Whole tokens are copied, which takes a fraction of the time of ``gather``.
    """
    (batch, kept), (_, tokens, width) = index.shape, x.shape
    return x.flatten(0, 1).index_select(0, rows(index, tokens)).view(batch, kept, width)


def behind_prefix(index: Tensor, prefix: int) -> Tensor:
    """Indices of patches (B, K) as those of tokens, the prefix before them: (B, prefix + K)."""
    first = torch.arange(prefix, device=index.device).expand(index.shape[0], -1)
    return torch.cat((first, index + prefix), dim=1)


def places_of(index: Tensor, tokens: int) -> Tensor:
    """Where each of so many tokens (B, N) went if those of index (B, K) were taken; -1 is gone."""
    places = index.new_full((index.shape[0], tokens), -1)
    return places.scatter(
        1, index, torch.arange(index.shape[1], device=index.device).expand_as(index)
    )


def need_class_token(host: Host, method: str) -> None:
    """Refuse a host without a class token to a method that ranks patches by its attention."""
    if not host.class_token:
        raise BadOption(
            f"{method} ranks patches by the attention of the class token, and this network has "
            "none."
        )
