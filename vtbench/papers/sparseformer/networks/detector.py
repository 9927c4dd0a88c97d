"""SparseFormer itself as an object detector: appendix A.1 of its paper.

The network is SparseFormer-S, unchanged, with 400 tokens whose RoIs start as halves of the image at
uniformly drawn centres. The first 100 of them detect: a linear classifier and, as in DETR, linear
layers that refine the RoI say what each has found. The other tokens only see.

What the paper leaves open is a choice of ours, and costs 47 M of 29 G MACs in all: the classes are
DETR's 91 and "no object"; both parts read the tokens after a layer norm; the refinement has a
hidden layer of the tokens' width and a ReLU, and starts from no refinement.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1
from vtbench.papers.sparseformer.networks.body import initialise
from vtbench.papers.sparseformer.networks.classifier import SparseFormer
from vtbench.papers.sparseformer.networks.early_features import Feature
from vtbench.papers.sparseformer.networks.options import CommonOptions
from vtbench.papers.sparseformer.networks.sampling import NORM_EPS, adjusted, at_least_fp32


class Detections(NamedTuple):
    """What the detecting tokens found."""

    scores: Tensor
    """B,D,num_classes; the last class is no object."""
    boxes: Tensor
    """B,D,4: corners in units of the image."""


class Refinement(nn.Module):
    """Two linear layers to the deltas of a RoI: D·d·(d+4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.deltas = nn.Linear(width, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,D,d -> B,D,4."""
        return at_least_fp32(self.deltas(self.hidden(tokens).relu()))


class DetectionHead(nn.Module):
    """A class and a refined RoI for each of the first ``detected`` tokens."""

    def __init__(self, width: int, detected: int, num_classes: int) -> None:
        super().__init__()
        self.detected = detected
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.classifier = nn.Linear(width, num_classes)
        self.box = Refinement(width)
        initialise(self)
        nn.init.zeros_(self.box.deltas.weight)

    def forward(self, tokens: Tensor, rois: Tensor) -> Detections:
        """B,N,d and corners B,N,4 -> scores and boxes of D tokens; boxes as RoIs are adjusted."""
        tokens = self.norm(tokens[:, : self.detected])
        boxes = adjusted(rois[:, : self.detected], self.box(tokens))
        return Detections(self.classifier(tokens), boxes)


def scatter(rois: Tensor) -> None:
    """Give RoIs N,4 half the image's sides and centres drawn uniformly, as more tokens start."""
    with torch.no_grad():
        centres = torch.rand_like(rois[:, :2])
        rois.copy_(torch.cat((centres - 0.25, centres + 0.25), dim=1))


class SparseFormerDetector(SparseFormer):
    """SparseFormer with a detection head in place of the classifier."""

    def __init__(  # noqa: PLR0913 - sizes that are its own, and what it hands on
        self,
        *,
        tokens: int = 400,
        detected: int = 100,
        width: int = 320,
        cortex_width: int = 640,
        feature: Feature = "conv",
        drop_path: float = 0.3,
        num_classes: int = 92,
        **options: Unpack[CommonOptions],
    ) -> None:
        at_least_1(detected=detected)
        if detected > tokens:
            raise BadOption(
                f"detected={detected} and tokens={tokens} contradict each other, because only "
                "tokens detect; give at most as many."
            )
        super().__init__(
            tokens=tokens, width=width, cortex_width=cortex_width, feature=feature,
            drop_path=drop_path, num_classes=num_classes, **options,
        )  # fmt: skip
        scatter(self.initial.get_parameter("rois"))
        self.head = DetectionHead(cortex_width, detected, num_classes)

    def forward(self, image: Tensor) -> Detections:  # type: ignore[override]  # not only scores
        """Image B,3,H,W -> scores B,D,num_classes and boxes B,D,4."""
        seen = self.see(image)
        found: Detections = self.head(seen.tokens, seen.rois)
        return found
