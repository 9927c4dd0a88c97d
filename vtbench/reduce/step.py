"""What a method does at one block."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn

from vtbench.reduce.run import Run

Where = Literal["before_block", "after_attention", "after_block", "instead"]
Shown = Literal["nothing", "row", "map"]


class Step(nn.Module):
    """A reduction of the tokens at one block, and the block as it is if nothing is overridden.

    Subclasses say where they work and write ``forward(x, run)``, or ``forward(x, run, block)`` if
    they work instead of the block: tokens (B, N, C) go in, fewer come out.
    """

    where: ClassVar[Where] = "after_attention"
    """Before the block's first norm; between attention, its residual added, and MLP; after the
    block; or instead of it."""
    shows: ClassVar[Shown] = "nothing"
    """What of the attention map it needs: nothing, so that attention stays one fused kernel; the
    row of the class token, computed by itself beside that kernel; or the whole map."""
    proportional: ClassVar[bool] = False
    """Whether attention counts a token as often as the patches that it stands for."""

    by_image: bool = False
    """Whether the image decides how many tokens leave; shapes alone then count the most."""

    def left(self, tokens: int, whole: int) -> int:
        """How many patch tokens leave if so many come in, of ``whole`` patches in the image.

        Class, distillation and register tokens are not counted. If it depends on the image, this
        is the largest number.
        """
        raise NotImplementedError

    def scored(self, scores: Tensor) -> Tensor:
        """What attention makes of its scores (B, h, N, N) before their softmax, if it has a map."""
        return scores

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Fewer tokens."""
        raise NotImplementedError


class Untouched(Step):
    """A block at which no token goes."""

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002  # as every step has it
        """All of them."""
        return tokens

    def forward(self, x: Tensor, run: Run) -> Tensor:  # noqa: ARG002
        """As they are."""
        return x


class UntouchedProportional(Untouched):
    """A block at which no token goes, and whose attention minds what each stands for."""

    proportional = True
