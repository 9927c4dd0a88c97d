"""SparseFormer: a few latent tokens that look at the image where they choose to.

Gao et al., SparseFormer: Sparse Visual Recognition via Limited Latent Tokens. Read it beside
section 3 of the paper and its appendix A.3. Where its text and its authors' code differ, this is
the code's reading:

- The early convolution's map is normalised over channels, without parameters; the text ends with
  the pooling.
- Attention has 64 heads at every width; the text gives no number.
- A point is the RoI's centre plus offset times size, offsets divided by three deviations. Eq. 3
  halves the offset once more, which would leave the outer half of every RoI unseen.
- RoIs are kept as corners and may leave the image; the text keeps centre and size in [0, 1].
- The linear layer that makes offsets starts from a truncated normal of 0.02; the text says zero.
- A layer norm follows the linear layer between the transformers, another stands before the
  classifier, and a third before the generator of the mixing weights; the text names none of them.
- The gradient of sampling points is clamped to one row of the map, times the scale of the loss;
  the text is silent.
- Stochastic depth also drops the adjustment of RoIs; the text gives its rate alone.

The authors' later library is another function of the same weights, by up to 2 % of the logits'
deviation: its norm of the map takes the biased variance; that norm, the one of offsets and the
layer norm before the generator have an epsilon of 1e-5; and it does not clamp. ``norms=library`` is
that function.

``repeats=0`` leaves the focusing transformer out, and ``fixed_rois=True`` also the heads that
adjust RoIs and choose points: the row "nil" of table 3b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn
from typing_extensions import Unpack

from vtbench.models.arguments import at_least_1, one_of
from vtbench.papers.sparseformer.networks.body import Seen, SparseBody, initialise
from vtbench.papers.sparseformer.networks.checkpoint_names import sparseformer_names
from vtbench.papers.sparseformer.networks.fast.inference import FastPath
from vtbench.papers.sparseformer.networks.options import BodyOptions, check_fast
from vtbench.papers.sparseformer.networks.sampling import NORM_EPS

if TYPE_CHECKING:
    from typing_extensions import Self

Path = Literal["plain", "fast"]
PATHS = ("plain", "fast")


class Head(nn.Module):
    """The classifier: the mean of the tokens, a norm, a linear layer."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.fc = nn.Linear(width, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,num_classes."""
        scores: Tensor = self.fc(self.norm(tokens.mean(dim=1)))
        return scores


class SparseFormer(SparseBody):
    """The body and a classifier on it, by either of two paths that are the same function.

    Where training scales the loss, ``set_loss_scale`` tells the clamp of the points' gradients.
    """

    def __init__(
        self, *, path: Path = "plain", num_classes: int = 1000, **options: Unpack[BodyOptions]
    ) -> None:
        at_least_1(num_classes=num_classes)
        one_of(PATHS, path=path)
        if path == "fast":
            mixing, fixed_rois = options.get("mixing", "adaptive"), options.get("fixed_rois", False)
            check_fast(mixing, fixed_rois=fixed_rois)
        super().__init__(**options)
        self.head: nn.Module = Head(self.width, num_classes)
        initialise(self)
        self.fast = FastPath() if path == "fast" else None

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Training or evaluation mode; what the fast path keeps is forgotten."""
        if self.fast is not None:
            self.fast.forget()
        return super().train(mode)

    def see(self, image: Tensor) -> Seen:
        """Image B,3,H,W -> tokens, their RoIs, the map, and where each stage looked."""
        return super().see(image) if self.fast is None else self.fast.see(self, image)

    def forward(self, image: Tensor) -> Tensor:
        """Image B,3,H,W -> scores of the classes B,num_classes."""
        tokens = self.see(image).tokens if self.fast is None else self.fast.mean_token(self, image)
        scores: Tensor = self.head(tokens)
        return scores

    def translated(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the authors' checkpoints under the names that they have here."""
        return sparseformer_names(tensors)
