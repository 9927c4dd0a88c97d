"""The operator table: what each operator that multiplies costs.

One row per operator, keyed by its qualified name without overload. A row is a ``Rule``: a kind
and a cost on the call's arguments. Operators that are known to multiply nothing stand in
``free.py``; what is in neither is unknown. Composite operators may have a row: they are then
counted whole, and cost what their parts would.

Adding an operator: write its formula on shapes in ``formulas.py`` with the shape equation above
it, add a row here that says which arguments carry the shapes (or in ``fused.py``, for a fused
operator), and a micro-case with its truth as arithmetic in ``vtbench/count/cases/``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from vtbench.count.operators import formulas
from vtbench.count.operators.formulas import Cost
from vtbench.count.operators.sparse import (
    is_sparse,
    linear_of_stored,
    product_of_stored,
    sampled,
)

Call = Callable[[tuple[Any, ...], dict[str, Any], Any], Cost]


class Rule(NamedTuple):
    """What a call of an operator is: its kind, and its cost if it multiplies."""

    kind: str
    cost: Call | None = None
    user: bool = False


def pair(formula: Callable[[Any, Any], Cost], first: int = 0, second: int = 1) -> Call:
    """A formula of two shapes, taken from the arguments at the given positions."""

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        one, two = args[first], args[second]
        if is_sparse(one) or is_sparse(two):
            by_layers = formula is formulas.linear
            return (linear_of_stored if by_layers else product_of_stored)(one, two)
        if one.is_nested:
            return _of_sequences(one, out)
        return widened(formula(one.shape, two.shape), one)

    return cost


def _of_sequences(x: Any, out: Any) -> Cost:
    # nested [B, ..., j, k] by [k, n] or by nested [B, ..., k, n]: the sum over the sequences
    products = [
        formulas.product(result, given[-1])
        for given, result in zip(sequence_shapes(x), sequence_shapes(out), strict=True)
    ]
    return formulas.dense(sum(one.macs for one in products), sum(one.written for one in products))


def sequence_shapes(nested: Any) -> list[tuple[int, ...]]:
    """The shape of each sequence of a nested tensor, whichever its layout."""
    if not hasattr(nested, "offsets"):
        return [tuple(shape) for shape in nested._nested_tensor_size().tolist()]
    ragged, whole = nested._ragged_idx - 1, nested._values.shape
    lengths = nested.offsets().diff().tolist()
    return [(*whole[:ragged], length, *whole[ragged + 1 :]) for length in lengths]


def widened(cost: Cost, operand: Any) -> Cost:
    """A product of complex numbers takes four real ones."""
    if operand.is_complex():
        return cost._replace(macs=4 * cost.macs, effective=4 * cost.effective)
    return cost


def _matmul(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    if is_sparse(args[0]) or is_sparse(args[1]):
        return product_of_stored(args[0], args[1])
    if args[0].is_nested:
        return _of_sequences(args[0], out)
    return widened(formulas.product(out.shape, args[0].shape[-1]), args[0])


def _baddbmm(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    if is_sparse(args[1]) or is_sparse(args[2]):
        return product_of_stored(args[1], args[2])
    return widened(formulas.bmm(args[1].shape, args[2].shape), args[1])


def _convolution(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    transposed = args[6] if len(args) > 6 else False
    cost = formulas.convolution(args[0].shape, args[1].shape, out.shape, transposed)
    return widened(cost, args[0])


def _conv(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    return _as_three(formulas.convolution(args[0].shape, args[1].shape, out.shape), args[0])


def _conv_transpose(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    return _as_three(formulas.convolution(args[0].shape, args[1].shape, out.shape, True), args[0])


def _as_three(cost: Cost, operand: Any) -> Cost:
    # torch runs a complex convolution as three real ones
    if operand.is_complex():
        return cost._replace(macs=3 * cost.macs, effective=3 * cost.effective)
    return cost


def _packed_conv(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # a quantised convolution: the weight [Co, Ci/g, k...] is inside its packed parameters
    return formulas.convolution(args[0].shape, args[1].unpack()[0].shape, out.shape)


def _conv_tbc(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # x [T, B, Ci], w [k, Ci, Co] -> [T', B, Co]
    k, channels, _ = args[1].shape
    return formulas.product(out.shape, k * channels)


def _convolution_backward(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    grad, x, weight, transposed, wanted = args[0], args[1], args[2], args[7], args[10]
    cost = formulas.convolution_backward(grad.shape, x.shape, weight.shape, transposed, wanted)
    return widened(cost, x)


def _deform_conv_backward(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # the gradient of the sampled columns, which serves input, offsets and mask; and the weight's
    grad, x, weight = args[:3]
    return formulas.convolution_backward(grad.shape, x.shape, weight.shape, False, (True, True))


def _trilinear(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # i1, i2, i3 with axes that are expanded (absent); the axes in sumdim are contracted:
    # first those that i3 lacks, then the rest
    one, two, three, expand1, expand2, expand3, summed = args[:7]
    rank = one.dim() + len(expand1)
    full: list[int] = [1] * rank
    for tensor, expanded in ((one, expand1), (two, expand2), (three, expand3)):
        sizes = iter(tensor.shape)
        for axis in range(rank):
            if axis not in expanded:
                full[axis] = max(full[axis], next(sizes))
    early = [axis for axis in summed if axis in expand3]
    second = prod(full[axis] for axis in range(rank) if axis not in early)
    first = prod(full[axis] for axis in range(rank) if axis not in expand1 or axis not in expand2)
    return formulas.trilinear(first, second, out.shape)


def _euclidean(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    return formulas.euclidean_distance(args[0].shape, out.shape)


def _grouped_mm(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    return formulas.grouped_mm(args[0].shape, args[1].shape, out.shape)


def _packed_linear(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # packed weights have no shape of their own; the output says how many columns there are
    return formulas.product(out.shape, args[0].shape[-1])


def _solve_triangular(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    return widened(formulas.solve_triangular(args[0].shape[-1], out.shape), args[0])


def _triangular_solve(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # B, A; the result and a copy of A
    return widened(formulas.solve_triangular(args[1].shape[-1], out[0].shape), args[1])


PRODUCTS: dict[str, Rule] = {
    "aten::mm": Rule("matmul", pair(formulas.mm)),
    "aten::_int_mm": Rule("matmul", pair(formulas.mm)),
    "aten::_scaled_mm": Rule("matmul", pair(formulas.mm)),
    "aten::_scaled_mm_v2": Rule("matmul", pair(formulas.mm)),
    "aten::addmm": Rule("matmul", pair(formulas.mm, 1, 2)),
    "aten::addmm_": Rule("matmul", pair(formulas.mm, 1, 2)),
    "aten::_addmm_activation": Rule("matmul", pair(formulas.mm, 1, 2)),
    "aten::_sparse_addmm": Rule("matmul", pair(formulas.mm, 1, 2)),
    "aten::sspaddmm": Rule("matmul", pair(formulas.mm, 1, 2)),
    "aten::hspmm": Rule("matmul", pair(formulas.mm)),
    "aten::_sparse_sparse_matmul": Rule("matmul", pair(formulas.mm)),
    "aten::_sparse_mm_reduce_impl": Rule("matmul", pair(formulas.mm)),
    "aten::sparse_sampled_addmm": Rule("matmul", sampled),
    "aten::bmm": Rule("matmul", pair(formulas.bmm)),
    "aten::baddbmm": Rule("matmul", _baddbmm),
    "aten::baddbmm_": Rule("matmul", _baddbmm),
    "aten::addbmm": Rule("matmul", pair(formulas.addbmm, 1, 2)),
    "aten::addbmm_": Rule("matmul", pair(formulas.addbmm, 1, 2)),
    "aten::mv": Rule("matmul", pair(formulas.mv)),
    "aten::addmv": Rule("matmul", pair(formulas.mv, 1, 2)),
    "aten::addmv_": Rule("matmul", pair(formulas.mv, 1, 2)),
    "aten::dot": Rule("matmul", pair(formulas.dot)),
    "aten::vdot": Rule("matmul", pair(formulas.dot)),
    "aten::matmul": Rule("matmul", _matmul),
    "aten::linear": Rule("linear", pair(formulas.linear)),
    "aten::linalg_solve_triangular": Rule("matmul", _solve_triangular),
    "aten::triangular_solve": Rule("matmul", _triangular_solve),
    "aten::_trilinear": Rule("matmul", _trilinear),
    "aten::_euclidean_dist": Rule("matmul", _euclidean),
    "aten::_grouped_mm": Rule("matmul", _grouped_mm),
    "aten::_scaled_grouped_mm": Rule("matmul", _grouped_mm),
    "aten::_weight_int4pack_mm": Rule("matmul", _packed_linear),
    "aten::_weight_int8pack_mm": Rule("matmul", _packed_linear),
    "aten::_weight_int4pack_mm_for_cpu": Rule("matmul", _packed_linear),
    "aten::_scaled_grouped_mm_v2": Rule("matmul", _grouped_mm),
    "aten::mkldnn_linear": Rule("linear", pair(formulas.linear)),
    "mkldnn::_linear_pointwise": Rule("linear", pair(formulas.linear)),
    "quantized::linear": Rule("linear", _packed_linear),
    "quantized::linear_relu": Rule("linear", _packed_linear),
    "quantized::linear_dynamic": Rule("linear", _packed_linear),
    "quantized::linear_relu_dynamic": Rule("linear", _packed_linear),
    "quantized::linear_dynamic_fp16": Rule("linear", _packed_linear),
}

CONVOLUTIONS: dict[str, Rule] = {
    "aten::convolution": Rule("conv", _convolution),
    "aten::_convolution": Rule("conv", _convolution),
    "aten::convolution_overrideable": Rule("conv", _convolution),
    "aten::conv1d": Rule("conv", _conv),
    "aten::conv2d": Rule("conv", _conv),
    "aten::conv3d": Rule("conv", _conv),
    "aten::mkldnn_convolution": Rule("conv", _conv),
    "aten::cudnn_convolution": Rule("conv", _conv),
    "aten::cudnn_convolution_relu": Rule("conv", _conv),
    "aten::cudnn_convolution_add_relu": Rule("conv", _conv),
    "aten::miopen_convolution": Rule("conv", _conv),
    "aten::miopen_convolution_relu": Rule("conv", _conv),
    "aten::miopen_convolution_add_relu": Rule("conv", _conv),
    "aten::miopen_depthwise_convolution": Rule("conv", _conv),
    "aten::_nnpack_spatial_convolution": Rule("conv", _conv),
    "aten::_mps_convolution": Rule("conv", _conv),
    "aten::slow_conv3d_forward": Rule("conv", _conv),
    "aten::thnn_conv2d": Rule("conv", _conv),
    "aten::_slow_conv2d_forward": Rule("conv", _conv),
    "aten::slow_conv3d": Rule("conv", _conv),
    "aten::slow_conv_dilated2d": Rule("conv", _conv),
    "aten::slow_conv_dilated3d": Rule("conv", _conv),
    "aten::_conv_depthwise2d": Rule("conv", _conv),
    "aten::conv_depthwise3d": Rule("conv", _conv),
    "aten::conv_transpose1d": Rule("conv", _conv_transpose),
    "aten::conv_transpose2d": Rule("conv", _conv_transpose),
    "aten::conv_transpose3d": Rule("conv", _conv_transpose),
    "aten::cudnn_convolution_transpose": Rule("conv", _conv_transpose),
    "aten::miopen_convolution_transpose": Rule("conv", _conv_transpose),
    "aten::slow_conv_transpose2d": Rule("conv", _conv_transpose),
    "aten::slow_conv_transpose3d": Rule("conv", _conv_transpose),
    "aten::conv_tbc": Rule("conv", _conv_tbc),
    "aten::convolution_backward": Rule("conv", _convolution_backward),
    "mkldnn::_convolution_pointwise": Rule("conv", _conv),
    "quantized::conv1d": Rule("conv", _packed_conv),
    "quantized::conv1d_relu": Rule("conv", _packed_conv),
    "quantized::conv2d": Rule("conv", _packed_conv),
    "quantized::conv2d_relu": Rule("conv", _packed_conv),
    "quantized::conv3d": Rule("conv", _packed_conv),
    "quantized::conv3d_relu": Rule("conv", _packed_conv),
    "torchvision::deform_conv2d": Rule("conv", _conv),
    "torchvision::_deform_conv2d_backward": Rule("conv", _deform_conv_backward),
}
