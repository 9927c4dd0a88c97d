"""Bootstrapped SparseFormer: a few looking tokens before inherited blocks of a vision transformer.

Gao et al., Bootstrapping SparseFormers from Vision Foundation Models. A focusing transformer and a
last look at the full width are new; what follows are blocks of a ViT, taken over with their weights
and mostly frozen. This is the authors' library's reading, which differs from SparseFormer:

- A block samples first and moves its RoIs last; each repeat adds an embedding of its own. So an
  initial RoI whose corners are the wrong way round is sampled in a mirror once, before it moves.
- A code of the RoI's corners, sines and cosines of periods from 2 down to 2/128, is added after
  every sampling; no gradient passes through it. All tokens start from one embedding: only their
  RoIs tell them apart.
- 16 points of 64 channels are mixed to 32 points, without biases and with one GELU, after both
  products. The generator's hidden layer has 128 channels.
- RoIs are adjusted by two linear layers with a GELU between them.
- Points outside the image read its border; their gradients are not clamped.
- A class token joins before the inherited blocks, and the head reads it alone.
- Heads have 64 channels; layer norms an epsilon of 1e-5; nothing stands beside the bridge's linear
  layer. CLIP's blocks have their quick GELU.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from vtbench.data.panel import Panel
from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1, one_of
from vtbench.papers.sparseformer.networks.body import Seen, initialise
from vtbench.papers.sparseformer.networks.bootstrapped_sampling import RoIHead, SamplingBlock
from vtbench.papers.sparseformer.networks.checkpoint_names import bootstrapped_names
from vtbench.papers.sparseformer.networks.early_features import EarlyConvolution
from vtbench.papers.sparseformer.networks.latent_transformers import (
    AttentionProducts,
    FeedForward,
    SelfAttention,
)
from vtbench.papers.sparseformer.networks.options import check_points
from vtbench.papers.sparseformer.networks.pictured import panels
from vtbench.papers.sparseformer.networks.sampling import Glimpse, adjusted, initial_rois

Activation = Literal["gelu", "quick_gelu"]
ACTIVATIONS = ("gelu", "quick_gelu")
LAYER_NORM_EPS = 1e-5
HEAD_WIDTH = 64


class RepeatedFocusing(SamplingBlock):
    """One block, repeated with the same weights: look, attend, feed forward, move the RoIs."""

    def __init__(self, width: int, channels: int, points: int, repeats: int) -> None:
        super().__init__(width, channels, points)
        self.repeats = nn.Parameter(torch.randn(repeats, width))
        self.attention = SelfAttention(width, width // HEAD_WIDTH)
        self.products = AttentionProducts()
        self.feed_forward = FeedForward(width)
        self.roi = RoIHead(width)

    def initialise(self) -> None:
        """As what looks, and RoIs without adjustment."""
        super().initialise()
        nn.init.zeros_(self.roi.deltas.weight)

    def forward(
        self, tokens: Tensor, rois: Tensor, feature_map: Tensor
    ) -> tuple[Tensor, Tensor, list[Glimpse]]:
        """B,N,d and corners B,N,4 -> the same after all repeats, and where each looked."""
        glimpses: list[Glimpse] = []
        for embedding in self.repeats:
            tokens, glimpse = self.look(tokens + embedding, rois, feature_map)
            tokens = tokens + self.attention(tokens, self.products)
            tokens = tokens + self.feed_forward(tokens)
            rois = adjusted(rois, self.roi(tokens))
            glimpses.append(glimpse)
        return tokens, rois, glimpses


class QuickFeedForward(FeedForward):
    """The feed-forward network with CLIP's activation, x·sigmoid(1.702·x)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,N,d."""
        hidden = self.widen(self.norm(tokens))
        out: Tensor = self.narrow(hidden * torch.sigmoid(1.702 * hidden))
        return out


class InheritedBlocks(nn.Module):
    """Blocks of a vision transformer: each attends and feeds forward."""

    def __init__(self, width: int, blocks: int, activation: Activation) -> None:
        super().__init__()
        feed = FeedForward if activation == "gelu" else QuickFeedForward
        heads = width // HEAD_WIDTH
        self.attention = nn.ModuleList(SelfAttention(width, heads) for _ in range(blocks))
        self.products = AttentionProducts()
        self.feed_forward = nn.ModuleList(feed(width) for _ in range(blocks))

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,N,d."""
        for attention, feed_forward in zip(self.attention, self.feed_forward, strict=True):
            tokens = tokens + attention(tokens, self.products)
            tokens = tokens + feed_forward(tokens)
        return tokens


class ClassTokenHead(nn.Module):
    """A norm and a linear layer on the first token: classes, or CLIP's shared space."""

    def __init__(self, width: int, num_classes: int, *, bias: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, num_classes, bias=bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,num_classes."""
        scores: Tensor = self.fc(self.norm(tokens[:, 0]))
        return scores


class SharedStart(nn.Module):
    """One embedding for all tokens, a RoI for each, and the class token that joins them later."""

    def __init__(self, tokens: int, width: int, wider: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(1, width))
        nn.init.trunc_normal_(self.embedding, std=1.0)
        self.rois = nn.Parameter(initial_rois(tokens, "half"))
        self.class_token = nn.Parameter(torch.randn(1, wider))

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """B,N,d and corners B,N,4 for B maps."""
        batch, count = maps.shape[0], self.rois.shape[0]
        rois = self.rois.to(maps.dtype).expand(batch, -1, -1)
        return self.embedding.expand(batch, count, -1), rois


class BootstrappedSparseFormer(nn.Module):
    """Stem, focusing transformer, a look at full width, inherited blocks, head.

    ``tokens`` counts the class token; the defaults are those of AugReg ViT-B.
    """

    def __init__(  # noqa: PLR0913 - the sizes in which the four published networks differ
        self,
        *,
        tokens: int = 49,
        width: int = 384,
        cortex_width: int = 768,
        repeats: int = 4,
        blocks: int = 8,
        points: int = 16,
        channels: int = 64,
        activation: Activation = "gelu",
        head_bias: bool = True,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        at_least_1(repeats=repeats, blocks=blocks, num_classes=num_classes)
        check_points(points)
        check_sizes(tokens, channels, width=width, cortex_width=cortex_width)
        one_of(ACTIVATIONS, activation=activation)
        self.stem = EarlyConvolution(channels, "library")
        self.initial = SharedStart(tokens - 1, width, cortex_width)
        self.focusing = RepeatedFocusing(width, channels, points, repeats)
        self.bridge = nn.Linear(width, cortex_width)
        self.lifting = SamplingBlock(cortex_width, channels, points)
        self.inherited = InheritedBlocks(cortex_width, blocks, activation)
        self.head = ClassTokenHead(cortex_width, num_classes, bias=head_bias)
        initialise(self)
        for part in (self.focusing, self.lifting):
            part.initialise()
        for each in self.modules():
            if isinstance(each, nn.LayerNorm):
                each.eps = LAYER_NORM_EPS

    def see(self, image: Tensor) -> Seen:
        """Image B,3,H,W -> tokens with the class token first, RoIs, the map, every look."""
        feature_map = self.stem(image)
        tokens, rois = self.initial(feature_map)
        tokens, rois, glimpses = self.focusing(tokens, rois, feature_map)
        tokens, last = self.lifting.look(self.bridge(tokens), rois, feature_map)
        first = self.initial.class_token.expand(len(tokens), 1, -1)
        tokens = self.inherited(torch.cat((first, tokens), dim=1))
        return Seen(tokens, rois, feature_map, [*glimpses, last])

    def forward(self, image: Tensor) -> Tensor:
        """Image B,3,H,W -> scores of the classes, or a point in CLIP's space, B,num_classes."""
        scores: Tensor = self.head(self.see(image).tokens)
        return scores

    @torch.no_grad()
    def panels(self, image: Tensor) -> list[Panel]:
        """Where the tokens look, to be drawn over the image 1,3,H,W."""
        return panels(self.see(image).glimpses)

    def translated(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the authors' checkpoints under the names that they have here."""
        return bootstrapped_names(tensors)


def check_sizes(tokens: int, channels: int, **widths: int) -> None:
    """Refuse a class token by itself, one channel, and widths that do not divide into heads."""
    if tokens < 2 or channels < 2:  # noqa: PLR2004 - one looking token; a variance
        raise BadOption(
            f"The options tokens and channels must be at least 2, not {tokens} and {channels}; one "
            "of the tokens is the class token."
        )
    for name, width in widths.items():
        if width < 1 or width % HEAD_WIDTH:
            raise BadOption(
                f"The option {name} must be a multiple of {HEAD_WIDTH}, the width of a head, not "
                f"{width}."
            )
