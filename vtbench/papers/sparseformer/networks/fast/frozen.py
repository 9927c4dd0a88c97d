"""Which of the fast path's ways a net takes, and what inference keeps between images.

While weights stand still, the first attention and the first look see no image yet: their tokens,
RoIs, points and mixing weights are constants. On a CPU, linear layers take weights that were
packed once for oneDNN, and images pass a few at a time, which stay in its caches.

All of it is worked out anew when a parameter was replaced, moved or changed. A change in place
through ``parameter.data`` is the one that torch does not tell of; ``train()`` and ``eval()`` make
the net forget in any case. Training, compilation, and whoever watches torch's operators get the
fast path without any of this.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from vtbench.papers.sparseformer.networks.fast.forward import (
    First,
    Sight,
    by_head,
    by_token,
    first_of,
    known_of,
    parts,
    run,
    scaled_scores,
    taken,
)
from vtbench.papers.sparseformer.networks.fast.row_sampling import Grid, Rows, rows_of
from vtbench.papers.sparseformer.networks.fast.steps import (
    Multiply,
    Prepare,
    Ways,
    as_they_are,
    steps_of,
)

if TYPE_CHECKING:
    from vtbench.papers.sparseformer.networks.classifier import SparseFormer


MODERATE = 60.0
"""Powers of 2 up to this one, and sums of them, are far from the ends of fp32."""
THREADS_PER_IMAGE = 4
"""How many threads the 49 rows of one image keep busy."""
IMAGES_IN_HALF = 4
"""How many images pass at once in half precision for each one in fp32: more of them fit caches."""
HALF = 2
"""Bytes of a number in half precision."""


class Stamp(NamedTuple):
    """A parameter as it was; the alias keeps its memory from being given to another."""

    holder: dict[str, Any]
    name: str
    parameter: Tensor
    alias: Tensor
    version: int

    def holds(self) -> bool:
        """Whether the parameter is the same tensor, in the same place, unchanged."""
        now = self.holder.get(self.name)
        return (
            now is self.parameter
            and now.data_ptr() == self.alias.data_ptr()
            and now._version == self.version  # noqa: SLF001 - torch's only word on changes in place
        )


def stamps_of(net: nn.Module) -> list[Stamp]:
    """All parameters and buffers of a net as they are now."""
    return [
        Stamp(holder, name, tensor, tensor.detach(), tensor._version)  # noqa: SLF001 - as above
        for part in net.modules()
        for holder in (vars(part)["_parameters"], vars(part)["_buffers"])
        for name, tensor in holder.items()
        if tensor is not None
    ]


class Frozen:
    """What one net keeps between images, in one precision on one device."""

    def __init__(self, net: SparseFormer, device: torch.device, dtype: torch.dtype) -> None:
        self.of = (device, dtype)
        self.stamps = stamps_of(net)
        self.packs = device.type == "cpu" and packs(dtype)
        prepare = packed(dtype) if self.packs else as_they_are
        take = taken_in_powers_of_2 if device.type == "cpu" else taken
        self.steps = steps_of(net, Ways(prepare, take, in_place=True))
        self.kept: dict[tuple[int, ...], First] = {}
        self.grids: dict[tuple[int, int, int], Grid] = {}

    def holds(self, device: torch.device, dtype: torch.dtype) -> bool:
        """Whether it is for that device and precision, and no parameter has changed since."""
        return self.of == (device, dtype) and all(stamp.holds() for stamp in self.stamps)

    def passed(self, net: SparseFormer, image: Tensor, *, pooled: bool) -> Passed:
        """Images B,3,H,W from stem to last block."""
        at_once = image.shape[0]
        if image.device.type == "cpu":
            at_once = max(1, torch.get_num_threads() // THREADS_PER_IMAGE)
            at_once *= IMAGES_IN_HALF if self.of[1].itemsize == HALF else 1
        rows = [
            rows_of(net.stem, part, self.grids, in_place=True) for part in parts(image, at_once)
        ]
        # Packed layers see to their precision themselves.
        off = torch.autocast(image.device.type, enabled=False) if self.packs else nullcontext()
        with off:
            return Passed(rows, *run(self.steps, rows, self._first(net, rows), pooled=pooled))

    def _first(self, net: SparseFormer, rows: list[Rows]) -> First:
        """The constants for such a batch; those of the last kind of batch alone are kept."""
        kind = (len(rows), *rows[0].grid.shape, *rows[-1].grid.shape)
        if kind not in self.kept:
            self.grids = {part.grid.shape: part.grid for part in rows}
            first = first_of(net, self.steps, rows)
            known = known_of(self.steps[0], rows[0], first.sight)
            self.kept = {kind: first._replace(known=known)}
        return self.kept[kind]


class Passed(NamedTuple):
    """A batch after the last block."""

    rows: list[Rows]
    """The maps, in parts of the batch."""
    tokens: Tensor
    """B,N,d, or their mean B,1,d."""
    sights: list[Sight]


class FastPath:
    """The fast path of one net; a copy of it starts without what this one keeps."""

    def __init__(self) -> None:
        self.frozen: Frozen | None = None

    def __reduce__(self) -> tuple[type[FastPath], tuple[()]]:
        return FastPath, ()

    def forget(self) -> None:
        """Keep nothing that was worked out from weights."""
        self.frozen = None

    def passed(self, net: SparseFormer, image: Tensor, *, pooled: bool) -> Passed:
        """Images B,3,H,W from stem to last block; of the last tokens, the mean if that will do."""
        frozen = self._frozen(net, image)
        if frozen is not None:
            return frozen.passed(net, image, pooled=pooled)
        ways = Ways(as_they_are, taken, in_place=False)
        steps, rows = steps_of(net, ways), [rows_of(net.stem, image, {})]
        return Passed(rows, *run(steps, rows, first_of(net, steps, rows), pooled=pooled))

    def _frozen(self, net: SparseFormer, image: Tensor) -> Frozen | None:
        """What is kept, made anew where it no longer holds; None where nothing may be kept."""
        if torch.is_grad_enabled() or net.training or torch.compiler.is_compiling():
            return None
        embeddings = net.get_parameter("initial.embeddings")
        # Inference tensors do not tell of changes; on meta there is nothing to keep.
        if is_in_torch_dispatch_mode() or image.is_meta or embeddings.is_inference():
            return None
        device, dtype = image.device, embeddings.dtype
        if torch.is_autocast_enabled(device.type):
            dtype = torch.get_autocast_dtype(device.type)
        if self.frozen is None or not self.frozen.holds(device, dtype):
            self.frozen = None  # before its successor takes memory
            self.frozen = Frozen(net, device, dtype)
        return self.frozen


def packs(dtype: torch.dtype) -> bool:
    """Whether oneDNN has linear layers of this precision on this CPU."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch's own
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - no public name
    return dtype == torch.float32


def packed(dtype: torch.dtype) -> Prepare:
    """Linear layers of oneDNN as torch.compile has them when it freezes weights."""
    onednn: Any = torch.ops.mkldnn

    def prepare(weight: Tensor, bias: Tensor | None) -> Multiply:
        kept = onednn._reorder_linear_weight(weight.detach().to(dtype))  # noqa: SLF001
        added = None if bias is None else bias.detach().to(dtype)

        def multiply(x: Tensor) -> Tensor:
            made: Tensor = onednn._linear_pointwise(  # noqa: SLF001
                x.to(dtype).contiguous(), kept, added, "none", [], ""
            )
            return made

        return multiply

    return prepare


def taken_in_powers_of_2(qkv: Tensor, heads: int) -> Tensor:
    """Queries, keys and values B,N,3·d -> what the queries take, B,N,d.

    A softmax is subtracted its maximum to stay in range. Moderate scores need none of that, and
    powers of 2 are the ones that a processor takes quickest.
    """
    query, key, value = by_head(qkv, heads)
    scale = math.log2(math.e) * key.shape[-1] ** -0.5
    scores = scaled_scores(query, key, scale)
    least, most = (extreme.item() for extreme in scores.aminmax())
    if not (least > -MODERATE and most < MODERATE):
        return taken(qkv, heads)
    powers = scores.exp2_()
    took = torch.bmm(value.transpose(1, 2), powers)  # B·h,d/h,N
    return by_token(took.div_(powers.sum(dim=1, keepdim=True)), qkv)
