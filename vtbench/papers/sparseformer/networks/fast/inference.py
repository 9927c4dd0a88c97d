"""Which kernels a net takes on the fast path, and what inference keeps between images.

While weights stand still, the first attention and the first look see no image yet: their tokens,
RoIs, points and mixing weights are constants. On a CPU, linear layers take weights that were laid
out once, and images pass a few at a time, which stay in its caches.

All of it is worked out anew when a parameter was replaced, moved or changed. A change in place
through ``parameter.data`` is the one that torch does not tell of; ``train()`` and ``eval()`` make
the net forget in any case. Training, compilation, and whoever watches torch's operators get the
fast path without any of this.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from vtbench.papers.sparseformer.networks.body import Seen, SparseBody
from vtbench.papers.sparseformer.networks.fast.forward import (
    Prologue,
    SamplingPlan,
    attended_values,
    by_head,
    by_token,
    in_parts,
    joined,
    known_sampling_of,
    last_tokens,
    prologue_of,
    scaled_scores,
)
from vtbench.papers.sparseformer.networks.fast.prepared import (
    Kernels,
    Multiply,
    Prepare,
    as_they_are,
    block_runs_of,
)
from vtbench.papers.sparseformer.networks.fast.row_sampling import Grid, Rows, rows_of

MODERATE = 60.0
"""Powers of 2 up to this one, and sums of them, are far from the ends of fp32."""
THREADS_PER_IMAGE = 4
"""How many threads the 49 rows of one image keep busy."""
IMAGES_IN_HALF = 4
"""How many images pass at once in half precision for each one in fp32: more of them fit caches."""
HALF = 2
"""Bytes of a number in half precision."""
WIDENS = 8
"""How many times wider than its input a layer's output is if oneDNN is the quicker in fp32."""


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


class InferenceCache:
    """What one net keeps between images, in one precision on one device."""

    def __init__(self, net: SparseBody, device: torch.device, dtype: torch.dtype) -> None:
        self.of = (device, dtype)
        self.stamps = stamps_of(net)
        self.packs = device.type == "cpu" and packs(dtype)
        prepare = packed(dtype) if self.packs else as_they_are
        attend = attended_values_in_powers_of_2 if device.type == "cpu" else attended_values
        self.runs = block_runs_of(net, Kernels(prepare, attend, in_place=True))
        self.kept: dict[tuple[int, ...], Prologue] = {}
        self.grids: dict[tuple[int, int, int], Grid] = {}

    def holds(self, device: torch.device, dtype: torch.dtype) -> bool:
        """Whether it is for that device and precision, and no parameter has changed since."""
        return self.of == (device, dtype) and all(stamp.holds() for stamp in self.stamps)

    def passed(self, net: SparseBody, image: Tensor, *, pooled: bool) -> FastResult:
        """Images B,3,H,W from stem to last block."""
        at_once = image.shape[0]
        if image.device.type == "cpu":
            at_once = max(1, torch.get_num_threads() // THREADS_PER_IMAGE)
            at_once *= IMAGES_IN_HALF if self.of[1].itemsize == HALF else 1
        rows = [
            rows_of(net.stem, part, self.grids, in_place=True) for part in in_parts(image, at_once)
        ]
        # Packed layers see to their precision themselves.
        off = torch.autocast(image.device.type, enabled=False) if self.packs else nullcontext()
        with off:
            return FastResult(
                rows, *last_tokens(self.runs, rows, self._first(net, rows), pooled=pooled)
            )

    def _first(self, net: SparseBody, rows: list[Rows]) -> Prologue:
        """The constants for such a batch; those of the last kind of batch alone are kept."""
        kind = (len(rows), *rows[0].grid.shape, *rows[-1].grid.shape)
        if kind not in self.kept:
            self.grids = {part.grid.shape: part.grid for part in rows}
            first = prologue_of(net, self.runs, rows)
            known = known_sampling_of(self.runs[0], rows[0], first.plan)
            self.kept = {kind: first._replace(known=known)}
        return self.kept[kind]


class FastResult(NamedTuple):
    """A batch after the last block."""

    rows: list[Rows]
    """The maps, in parts of the batch."""
    tokens: Tensor
    """B,N,d, or their mean B,1,d."""
    plans: list[SamplingPlan]

    def seen(self) -> Seen:
        """The same as the plain path tells it."""
        glimpses = [plan.glimpse() for plan in self.plans]
        feature_map = joined([part.feature_map() for part in self.rows])
        return Seen(self.tokens, glimpses[-1].rois, feature_map, glimpses)


class FastPath:
    """The fast path of one net; a copy of it starts without what this one keeps."""

    def __init__(self) -> None:
        self.cache: InferenceCache | None = None

    def __reduce__(self) -> tuple[type[FastPath], tuple[()]]:
        return FastPath, ()

    def forget(self) -> None:
        """Keep nothing that was worked out from weights."""
        self.cache = None

    def see(self, net: SparseBody, image: Tensor) -> Seen:
        """Images B,3,H,W -> what ``net.see`` makes of them on the plain path."""
        return self._passed(net, image, pooled=False).seen()

    def mean_token(self, net: SparseBody, image: Tensor) -> Tensor:
        """Images B,3,H,W -> the mean of their last tokens, B,1,d."""
        return self._passed(net, image, pooled=True).tokens

    def _passed(self, net: SparseBody, image: Tensor, *, pooled: bool) -> FastResult:
        cache = self._cached(net, image)
        if cache is not None:
            return cache.passed(net, image, pooled=pooled)
        kernels = Kernels(as_they_are, attended_values, in_place=False)
        runs, rows = block_runs_of(net, kernels), [rows_of(net.stem, image, {})]
        return FastResult(
            rows, *last_tokens(runs, rows, prologue_of(net, runs, rows), pooled=pooled)
        )

    def _cached(self, net: SparseBody, image: Tensor) -> InferenceCache | None:
        """What is kept, made anew where it no longer holds; None if nothing may be kept."""
        if torch.is_grad_enabled() or net.training or torch.compiler.is_compiling():
            return None
        embeddings = net.get_parameter("initial.embeddings")
        # Inference tensors do not tell of changes; on meta there is nothing to keep.
        if is_in_torch_dispatch_mode() or image.is_meta or embeddings.is_inference():
            return None
        device, dtype = image.device, embeddings.dtype
        if torch.is_autocast_enabled(device.type):
            dtype = torch.get_autocast_dtype(device.type)
        if self.cache is None or not self.cache.holds(device, dtype):
            self.cache = None  # before its successor takes memory
            self.cache = InferenceCache(net, device, dtype)
        return self.cache


def packs(dtype: torch.dtype) -> bool:
    """Whether oneDNN has linear layers of this precision on this CPU."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch's own
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - no public name
    return dtype == torch.float32


def packed(dtype: torch.dtype) -> Prepare:
    """Linear layers whose weights lie as the kernels of this CPU read them quickest."""

    def prepare(weight: Tensor, bias: Tensor | None) -> Multiply:
        kept, added = weight.detach().to(dtype), None if bias is None else bias.detach().to(dtype)
        if dtype == torch.float32 and len(kept) < WIDENS * kept.shape[1]:
            return _transposed(kept, added)
        return _of_onednn(kept, added)

    return prepare


def _transposed(weight: Tensor, bias: Tensor | None) -> Multiply:
    """The linear layer of torch, whose weight lies in rows of outputs."""
    kept = weight.t().contiguous().t()
    return lambda x: F.linear(x.to(kept.dtype).contiguous(), kept, bias)


def _of_onednn(weight: Tensor, bias: Tensor | None) -> Multiply:
    """Linear layers of oneDNN as torch.compile has them when it freezes weights."""
    onednn: Any = torch.ops.mkldnn
    kept, dtype = onednn._reorder_linear_weight(weight), weight.dtype  # noqa: SLF001

    def multiply(x: Tensor) -> Tensor:
        made: Tensor = onednn._linear_pointwise(  # noqa: SLF001
            x.to(dtype).contiguous(), kept, bias, "none", [], ""
        )
        return made

    return multiply


def attended_values_in_powers_of_2(qkv: Tensor, heads: int) -> Tensor:
    """Queries, keys and values B,N,3·d -> what the queries take, B,N,d.

    A softmax is subtracted its maximum to stay in range. Moderate scores need none of that, and
    powers of 2 are the ones that a processor takes quickest.
    """
    query, key, value = by_head(qkv, heads)
    scale = math.log2(math.e) * key.shape[-1] ** -0.5
    scores = scaled_scores(query, key, scale)
    least, most = (extreme.item() for extreme in scores.aminmax())
    if not (least > -MODERATE and most < MODERATE):
        return attended_values(qkv, heads)
    powers = scores.exp2_()
    values = torch.bmm(value.transpose(1, 2), powers)  # B·h,d/h,N
    return by_token(values.div_(powers.sum(dim=1, keepdim=True)), qkv)
