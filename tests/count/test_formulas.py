"""Every formula against a count written out by hand; shapes are tuples, no tensor is made."""

import pytest

from vtbench.count.operators import formulas as f


def test_matrix_products_are_rows_times_columns_times_depth():
    assert f.mm((5, 7), (7, 3)).macs == 5 * 7 * 3
    assert f.bmm((2, 5, 7), (2, 7, 3)).macs == 2 * 5 * 7 * 3
    assert f.addbmm((2, 5, 7), (2, 7, 3)).written == 5 * 3
    assert f.mv((5, 7), (7,)).macs == 5 * 7
    assert f.dot((7,), (7,)) == (7, 7, 1, 0)
    assert f.product((4, 2, 5, 3), 7).macs == 4 * 2 * 5 * 3 * 7


def test_linear_works_on_the_last_axis_whatever_stands_before_it():
    assert f.linear((2, 196, 384), (1536, 384)).macs == 2 * 196 * 384 * 1536
    assert f.linear((384,), (10, 384)).macs == 384 * 10
    assert f.linear((2, 384), (384,)).macs == 2 * 384


def test_convolution_is_weights_per_output_position():
    # 8 output channels of 12 x 12, each a sum over 3 channels and 3 x 3 taps
    assert f.convolution((2, 3, 14, 14), (8, 3, 3, 3), (2, 8, 12, 12)).macs == (
        2 * 8 * 12 * 12 * 3 * 9
    )
    # depthwise: one input channel for each output channel
    assert f.convolution((1, 8, 14, 14), (8, 1, 3, 3), (1, 8, 14, 14)).macs == 8 * 14 * 14 * 9
    # unbatched
    assert f.convolution((3, 14, 14), (8, 3, 3, 3), (8, 12, 12)).macs == 8 * 12 * 12 * 27


def test_transposed_convolution_is_weights_per_input_position():
    # every input value meets 16 output channels and 2 x 2 taps; groups of 2 halve the channels
    assert f.convolution((1, 32, 7, 7), (32, 16, 2, 2), (1, 16, 14, 14), True).macs == (
        32 * 7 * 7 * 16 * 4
    )
    assert f.convolution((1, 32, 7, 7), (32, 8, 2, 2), (1, 16, 14, 14), True).macs == (
        32 * 7 * 7 * 8 * 4
    )


def test_each_wanted_gradient_of_a_convolution_costs_one_forward_pass():
    forward = f.convolution((2, 3, 14, 14), (8, 3, 3, 3), (2, 8, 12, 12)).macs
    shapes = ((2, 8, 12, 12), (2, 3, 14, 14), (8, 3, 3, 3))
    assert f.convolution_backward(*shapes, False, [True, True, True]).macs == 2 * forward
    assert f.convolution_backward(*shapes, False, [False, True, True]).macs == forward
    assert f.convolution_backward(*shapes, False, [False, False, True]).macs == 0


def test_attention_is_scores_and_their_product_with_the_values():
    # 6 heads, 196 queries and keys of width 64
    cost = f.attention((1, 6, 196, 64), (1, 6, 196, 64), (1, 6, 196, 64))
    assert cost.macs == cost.effective == 2 * 6 * 196 * 196 * 64
    assert cost.written == 6 * 196 * 196 + 6 * 196 * 64


def test_grouped_key_heads_count_for_every_query_head():
    grouped = f.attention((1, 8, 10, 4), (1, 2, 10, 4), (1, 2, 10, 4))
    assert grouped.macs == 8 * 10 * 10 * (4 + 4)


def test_values_may_have_a_width_of_their_own():
    assert f.attention((2, 3, 10, 4), (2, 3, 12, 4), (2, 3, 12, 5)).macs == 6 * 10 * 12 * (4 + 5)


@pytest.mark.parametrize(("queries", "keys"), [(4, 4), (3, 5), (5, 3), (1, 1), (7, 2)])
def test_a_causal_mask_leaves_the_pairs_on_and_under_the_diagonal(queries, keys):
    by_hand = sum(min(i + 1, keys) for i in range(queries))
    assert f.causal_pairs(queries, keys) == by_hand
    cost = f.attention((1, 1, queries, 2), (1, 1, keys, 2), (1, 1, keys, 3), True)
    assert (cost.macs, cost.effective) == (queries * keys * 5, by_hand * 5)


def test_jagged_attention_is_the_sum_over_its_sequences():
    cost = f.jagged_attention([(3, 3), (5, 5)], heads=2, widths=(4, 4))
    assert cost.macs == 2 * (3 * 3 + 5 * 5) * 8


def test_fused_attention_backward_costs_two_forward_passes_whatever_a_kernel_computes_again():
    # dO·vᵀ, Pᵀ·dO, dS·k, dSᵀ·q
    shape = (1, 6, 196, 64)
    assert f.attention_backward(shape, shape, shape).macs == 4 * 6 * 196 * 196 * 64


def test_self_attention_layer_has_four_projections():
    cost = f.self_attention_layer((2, 10, 32), 32, 4)
    assert cost.macs == 2 * 10 * 4 * 32 * 32 + 2 * 2 * 10 * 10 * 32


def test_recurrent_layers_apply_every_matrix_once_per_step():
    # LSTM 8 -> 16: four gates from 8 inputs and 16 states; biases are no matrices
    assert f.recurrent(2 * 5, [(64, 8), (64, 16), (64,), (64,)], 16).macs == 10 * 64 * (8 + 16)


def test_distances_by_a_product_carry_two_more_columns():
    assert f.euclidean_distance((30, 8), (30, 40)).macs == 30 * 40 * (8 + 2)


def test_groups_of_experts_partition_one_axis():
    assert f.grouped_mm((12, 8), (3, 8, 5), (12, 5)).macs == 12 * 8 * 5
    assert f.grouped_mm((3, 4, 8), (3, 8, 5), (3, 4, 5)).macs == 3 * 4 * 8 * 5
    assert f.grouped_mm((3, 4, 8), (8, 15), (4, 15)).macs == 4 * 8 * 15
    assert f.grouped_mm((4, 24), (24, 5), (3, 4, 5)).macs == 4 * 24 * 5
