"""What both versions of the Visual Transformers paper share: blocks, and the net around them.

Wu et al., Visual Transformers, arXiv 2006.03677. Letters are the paper's: a feature map X has C
channels (f where it enters a block) and HW pixels; L tokens have C_T channels; h heads. Tokens are
N,C_T,L and coefficients N,h,HW,L throughout. Every 1x1 convolution is without bias and is followed
by a batch norm, but for the one that makes a static tokenizer's coefficients.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.data.panel import Panel
from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1
from vtbench.papers.resnet.networks.resnet import Trunk, initialise
from vtbench.papers.visual_transformers.networks.pictured import panels

Reading = Literal["fitted", "literal"]
"""The structure with which the papers' tables come out, or the one that the papers print."""
POSITIONS = 14
"""Side of the grid that coefficients are resized to before positions are encoded."""
POSITION_WIDTH = 32
"""C_p, the channels of the position code."""
CHANNELS_PER_GROUP = 64
"""Convolutions over pixels have one group per so many channels unless groups are given."""


@dataclass(frozen=True)
class BlockShape:
    """The sizes of one block; the paper writes them VT-C512-L8-CT1024."""

    f: int
    """Channels of the feature map that enters."""
    C: int
    """Channels of the feature map that leaves."""
    L: int
    """Tokens that the tokenizer extracts in the first block."""
    CT: int = 1024
    """Channels of a token."""
    heads: int = 16
    groups: int | None = None
    """Groups of the convolutions over pixels; None is one per 64 channels."""
    kqv_groups: int = 1
    """Groups of the transformer's key, query and value."""

    def groups_of(self, channels: int) -> int:
        """Groups of a convolution over pixels with that many channels."""
        return self.groups or max(1, channels // CHANNELS_PER_GROUP)

    def after(self) -> BlockShape:
        """The shape of a block that follows this one."""
        return replace(self, f=self.C)


def check_shape(shape: BlockShape) -> None:
    """Refuse sizes that do not divide, in a sentence, before torch does in a stack trace."""
    at_least_1(
        tokens=shape.L,
        token_width=shape.CT,
        heads=shape.heads,
        kqv_groups=shape.kqv_groups,
        groups=1 if shape.groups is None else shape.groups,
    )
    check_transformer(shape.CT, shape.heads, shape.kqv_groups)
    for channels in (shape.f, shape.C):
        for name, parts in (("heads", shape.heads), ("groups", shape.groups_of(channels))):
            if channels % parts:
                raise BadOption(
                    f"The option {name}={parts} does not divide the {channels} channels of the "
                    "feature map; choose a divisor."
                )


def check_transformer(width: int, heads: int, kqv_groups: int) -> None:
    """Refuse a width whose half, that of keys and queries, does not divide."""
    for name, parts in (("heads", heads), ("kqv_groups", kqv_groups)):
        if width % 2 or (width // 2) % parts:
            raise BadOption(
                f"Keys and queries have half the width: {name}={parts} does not divide "
                f"{width}/2; choose a width that is a multiple of {2 * parts}."
            )


def pointwise2d(c_in: int, c_out: int, groups: int = 1) -> nn.Sequential:
    """A 1x1 convolution over pixels and its norm."""
    conv = nn.Conv2d(c_in, c_out, 1, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(c_out)))


def pointwise1d(c_in: int, c_out: int, groups: int = 1) -> nn.Sequential:
    """A 1x1 convolution over tokens and its norm."""
    conv = nn.Conv1d(c_in, c_out, 1, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm1d(c_out)))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """N,C,... -> N,h,C/h,P with everything behind the channels in one dimension."""
    x = x.flatten(2)
    return x.reshape(x.shape[0], heads, x.shape[1] // heads, x.shape[2])


def as_map(x: Tensor, like: Tensor) -> Tensor:
    """N,...,HW -> N,-1,H,W with the height and width of another map."""
    return x.reshape(x.shape[0], -1, like.shape[2], like.shape[3])


class PositionEncoder(nn.Module):
    """Where each token comes from, from its coefficients: eq. 2 of v3."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = pointwise1d(POSITIONS * POSITIONS, POSITION_WIDTH)

    def forward(self, coefficients: Tensor, x: Tensor) -> Tensor:
        """Coefficients N,h,HW,L of a map N,f,H,W -> N,C_p,L."""
        seen = as_map(coefficients.mean(1).transpose(1, 2), x)  # N,L,H,W
        # At 224 pixels the map has 14x14 and this changes nothing; other sizes are met halfway.
        seen = F.interpolate(seen, (POSITIONS, POSITIONS), mode="bilinear")
        code: Tensor = self.conv(seen.flatten(2).transpose(1, 2))  # N,196,L -> N,C_p,L
        return code


class Extraction(nn.Module):
    """The second half of a tokenizer: pixels averaged by coefficients, positions, token width."""

    def __init__(self, shape: BlockShape, *, position: bool, value: bool = True) -> None:
        super().__init__()
        self.value = pointwise2d(shape.f, shape.f, shape.groups_of(shape.f)) if value else None
        self.position = PositionEncoder() if position else None
        self.token = pointwise1d(shape.f + POSITION_WIDTH * position, shape.CT)

    def forward(self, x: Tensor, coefficients: Tensor) -> Tensor:
        """Map N,f,H,W and coefficients N,h,HW,L -> tokens N,C_T,L."""
        values = x if self.value is None else self.value(x)
        values = split_heads(values, coefficients.shape[1])  # N,h,f/h,HW
        tokens = (values @ coefficients).flatten(1, 2)  # N,f,L
        if self.position is not None:
            tokens = torch.cat((tokens, self.position(coefficients, x)), dim=1)  # N,f+C_p,L
        widened: Tensor = self.token(tokens)
        return widened


class StaticTokenizer(nn.Module):
    """Coefficients by learned filters that are the same for every image: eq. 1."""

    def __init__(self, shape: BlockShape, *, position: bool, value: bool = True) -> None:
        super().__init__()
        self.coefficients = nn.Conv2d(shape.f, shape.L, 1, bias=False)
        self.extraction = Extraction(shape, position=position, value=value)

    def forward(self, x: Tensor) -> Tensor:
        """Map N,f,H,W -> tokens N,C_T,L."""
        scores = self.coefficients(x).flatten(2).transpose(1, 2)[:, None]  # N,1,HW,L
        coefficients = (scores / math.sqrt(x.shape[1])).softmax(dim=2)
        tokens: Tensor = self.extraction(x, coefficients)
        return tokens


class DynamicTokenizer(nn.Module):
    """Coefficients by filters that are computed from tokens, one new token for each: eq. 5."""

    def __init__(self, shape: BlockShape, *, position: bool) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = pointwise1d(shape.CT, shape.f)
        self.key = pointwise2d(shape.f, shape.f, shape.groups_of(shape.f))
        self.extraction = Extraction(shape, position=position)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Map N,f,H,W and tokens N,C_T,L_a -> as many new tokens N,C_T,L_a."""
        query = split_heads(self.query(tokens), self.heads)  # N,h,f/h,L_a
        key = split_heads(self.key(x), self.heads)  # N,h,f/h,HW
        scores = key.transpose(2, 3) @ query / math.sqrt(query.shape[2])  # N,h,HW,L_a
        new: Tensor = self.extraction(x, scores.softmax(dim=2))
        return new


def half_replaced(tokenizer: nn.Module, x: Tensor, tokens: Tensor) -> Tensor:
    """Previous tokens [T_a, T_b] -> [T_b, new]; a dynamic tokenizer computes its filters of T_a."""
    half = tokens.shape[2] // 2
    a, b = tokens[:, :, :half], tokens[:, :, half:]
    new = tokenizer(x, a) if isinstance(tokenizer, DynamicTokenizer) else tokenizer(x)
    return torch.cat((b, new), dim=2)


class Projector(nn.Module):
    """Every pixel takes from the tokens what it asks for: eq. 4."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = pointwise2d(shape.f, shape.C, shape.groups_of(shape.C))
        self.key = pointwise1d(shape.CT, shape.C)
        self.value = pointwise1d(shape.CT, shape.C) if shape.CT != shape.C else nn.Identity()
        self.adjust = pointwise2d(shape.f, shape.C) if shape.f != shape.C else nn.Identity()
        self.norm = nn.BatchNorm2d(shape.C)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Map N,f,H,W and tokens N,C_T,L -> map N,C,H,W."""
        query = split_heads(self.query(x), self.heads)  # N,h,C/h,HW; from the map as it came
        key = split_heads(self.key(tokens), self.heads)  # N,h,C/h,L
        value = split_heads(self.value(tokens), self.heads)  # N,h,C/h,L
        scores = query.transpose(2, 3) @ key / math.sqrt(query.shape[2])  # N,h,HW,L
        out = value @ scores.softmax(dim=3).transpose(2, 3)  # N,h,C/h,HW
        projected: Tensor = self.adjust(x) + self.norm(as_map(out, x))
        return projected


class VTBlock(nn.Module):
    """Tokenizer, transformer, projector, figure 1; any but the transformer may be absent."""

    def __init__(
        self,
        tokenizer: nn.Module | None,
        transformer: nn.Module,
        projector: nn.Module | None,
        *,
        keeps_half: bool,
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.transformer = transformer
        self.projector = projector
        self.keeps_half = keeps_half

    def forward(self, x: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map N,f,H,W and the previous tokens N,C_T,L -> map N,C,H,W and tokens N,C_T,L'."""
        if self.tokenizer is not None:
            if tokens is not None and self.keeps_half:
                tokens = half_replaced(self.tokenizer, x, tokens)
            elif tokens is not None and isinstance(self.tokenizer, DynamicTokenizer):
                tokens = self.tokenizer(x, tokens)
            else:
                tokens = self.tokenizer(x)
        tokens = self.transformer(tokens)
        if self.projector is not None:
            x = self.projector(x, tokens)
        return x, tokens


class VTNet(Trunk):
    """ResNet's stem and layers 1 to 3; a subclass makes the blocks and puts them on as layer4."""

    layer4: nn.ModuleList

    def put_on(
        self,
        blocks: Iterable[nn.Module],
        *,
        token_width: int,
        num_classes: int,
        dropout: float,
        zero_init_residual: bool,
    ) -> None:
        """Add the blocks and the head, then initialise the whole net.

        With ``zero_init_residual``, blocks start as the identity: their residual norms are zero.
        """
        at_least_1(num_classes=num_classes)
        self.layer4 = nn.ModuleList(blocks)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(token_width, num_classes)
        initialise(self)
        for path, part in self.named_modules():
            if zero_init_residual and path.endswith((".transformer.norm", ".projector.norm")):
                nn.init.zeros_(part.get_parameter("weight"))

    def panels(self, image: Tensor) -> list[Panel]:
        """From where each token is made, to be drawn over the image 1,3,H,W."""
        return panels(self, image)

    def forward(self, image: Tensor) -> Tensor:  # N,3,H,W
        """Scores of the classes, N,num_classes, from the mean of the last block's tokens."""
        x = self.maps(image)[-1]  # N,f,H/16,W/16
        tokens: Any = None  # the first block makes them
        for block in self.layer4:
            x, tokens = block(x, tokens)
        scores: Tensor = self.fc(self.dropout(tokens.mean(dim=2)))
        return scores
