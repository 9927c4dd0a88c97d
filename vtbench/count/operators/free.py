"""Operators that are known to multiply nothing, by the class of their other arithmetic.

Names without namespace and overload; an in-place variant (trailing underscore) belongs to its
name. Torch's own tags (pointwise, reduction, view) declare further aten and prims operators;
an operator of any other library is unknown until it stands here or in the table.
"""

from __future__ import annotations

NORMALISATION = """
batch_norm native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
_native_batch_norm_legit_functional _batch_norm_with_update _batch_norm_no_update
_batch_norm_with_update_functional _batch_norm_impl_index cudnn_batch_norm miopen_batch_norm
native_batch_norm_backward batch_norm_backward cudnn_batch_norm_backward batch_norm_stats
batch_norm_elemt batch_norm_gather_stats_with_counts batch_norm_backward_reduce
batch_norm_backward_elemt batch_norm_update_stats layer_norm native_layer_norm
native_layer_norm_backward group_norm native_group_norm native_group_norm_backward instance_norm
rms_norm _fused_rms_norm _fused_rms_norm_backward renorm _weight_norm_interface
_weight_norm_interface_backward linalg_vector_norm norm _foreach_norm quantized_batch_norm
batch_norm_gather_stats miopen_batch_norm_backward native_norm
"""

SOFTMAX = """
softmax _softmax log_softmax _log_softmax _softmax_backward_data _log_softmax_backward_data
_safe_softmax _masked_softmax _masked_softmax_backward _sparse_softmax special_softmax
special_log_softmax logsumexp _nested_tensor_softmax_with_shape _sparse_log_softmax
"""

ACTIVATION = """
relu relu6 gelu silu sigmoid hardswish hardsigmoid hardtanh leaky_relu elu selu celu mish softplus
tanh softshrink hardshrink prelu _prelu_kernel rrelu rrelu_with_noise glu log_sigmoid
log_sigmoid_forward logit threshold gelu_backward silu_backward threshold_backward sigmoid_backward
tanh_backward hardswish_backward hardsigmoid_backward hardtanh_backward leaky_relu_backward
elu_backward mish_backward softplus_backward _prelu_kernel_backward glu_backward
log_sigmoid_backward rrelu_with_noise_backward softshrink_backward hardshrink_backward
"""

ELEMENTWISE = """
native_dropout native_dropout_backward
where lerp addcmul addcdiv masked_fill copy _to_copy copysign clamp clamp_min clamp_max bernoulli
normal uniform random exponential geometric cauchy log_normal rand randn randint rand_like
randn_like randint_like poisson multinomial randperm cumsum cumprod cummax cummin logcumsumexp
_cummax_helper _cummin_helper trapezoid diff _thnn_fused_lstm_cell _thnn_fused_gru_cell
_thnn_fused_lstm_cell_backward_impl _thnn_fused_gru_cell_backward
_thnn_differentiable_lstm_cell_backward mse_loss l1_loss smooth_l1_loss huber_loss
mse_loss_backward smooth_l1_loss_backward binary_cross_entropy binary_cross_entropy_backward
binary_cross_entropy_with_logits kl_div nll_loss nll_loss_forward nll_loss_backward
nll_loss2d_forward nll_loss2d_backward cross_entropy_loss
_fake_quantize_learnable_per_tensor_affine quantize_per_tensor
fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask
embedding_renorm _add_relu _foreach_add _foreach_mul _foreach_sub _foreach_div _foreach_copy addr
ger outer polar complex view_as_complex_copy isin bucketize searchsorted frac fmod remainder real
imag _conj_physical angle histc bincount _cdist_forward _cdist_backward _pdist_forward
_pdist_backward _cslt_compress rsub float_power linspace logspace cross linalg_cross _masked_scale
hann_window hamming_window kaiser_window blackman_window bartlett_window _foreach_abs _foreach_acos
_foreach_addcdiv _foreach_addcmul _foreach_asin _foreach_atan _foreach_ceil _foreach_clamp_max
_foreach_clamp_min _foreach_cos _foreach_cosh _foreach_erf _foreach_erfc _foreach_exp
_foreach_expm1 _foreach_floor _foreach_frac _foreach_lerp _foreach_lgamma _foreach_log
_foreach_log10 _foreach_log1p _foreach_log2 _foreach_maximum _foreach_minimum _foreach_neg
_foreach_pow _foreach_reciprocal _foreach_round _foreach_rsqrt _foreach_sigmoid _foreach_sign
_foreach_sin _foreach_sinh _foreach_sqrt _foreach_tan _foreach_tanh _foreach_trunc floor_divide
_fused_adagrad _fused_adam _fused_adamw _fused_sgd _fused_dropout
_amp_foreach_non_finite_check_and_unscale _amp_update_scale quantize_per_channel
quantize_per_tensor_dynamic dequantize int_repr _fake_quantize_learnable_per_channel_affine
_fused_moving_avg_obs_fq_helper normal_functional rrelu_with_noise_functional soft_margin_loss
soft_margin_loss_backward multi_margin_loss multi_margin_loss_backward
multilabel_margin_loss_forward multilabel_margin_loss_backward huber_loss_backward _standard_gamma
_sample_dirichlet binomial _transform_bias_rescale_qkv _ctc_loss _ctc_loss_backward _cudnn_ctc_loss
_logcumsumexp xlogy fft_fftfreq fft_rfftfreq heaviside _nested_sum_backward
"""

REDUCTION = """
sum mean amax amin max min argmax argmin prod var std var_mean std_mean all any count_nonzero
nansum nanmean median nanmedian mode aminmax quantile kthvalue topk sort argsort _unique2
unique_dim unique_consecutive nonzero nonzero_static segment_reduce equal dist trace index_reduce
scatter_reduce scatter_add index_add _segment_reduce_backward _foreach_max _foreach_powsum _aminmax
histogram unique_dim_consecutive _unique _sparse_sum hash_tensor _linalg_check_errors
"""

POOLING = """
max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d
adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d max_pool1d_with_indices
max_pool2d_with_indices max_pool3d_with_indices max_pool2d_with_indices_backward
max_pool3d_with_indices_backward avg_pool2d_backward avg_pool3d_backward
_adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward adaptive_max_pool2d_backward
fractional_max_pool2d fractional_max_pool3d mkldnn_max_pool2d mkldnn_adaptive_avg_pool2d
max_unpool2d max_unpool3d adaptive_avg_pool3d_backward adaptive_max_pool3d_backward
quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d mkldnn_max_pool3d
max_pool2d_backward mkldnn_max_pool2d_backward mkldnn_adaptive_avg_pool2d_backward
fractional_max_pool2d_backward fractional_max_pool3d_backward
"""

INTERPOLATION = """
upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d
upsample_trilinear3d upsample_bicubic2d _upsample_nearest_exact1d _upsample_nearest_exact2d
_upsample_nearest_exact3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa _upsample_lanczos2d_aa
upsample_nearest2d_backward upsample_bilinear2d_backward upsample_bicubic2d_backward
upsample_linear1d_backward upsample_trilinear3d_backward upsample_nearest1d_backward
upsample_nearest3d_backward _upsample_bilinear2d_aa_backward _upsample_bicubic2d_aa_backward
grid_sampler grid_sampler_2d grid_sampler_3d grid_sampler_2d_backward grid_sampler_3d_backward
cudnn_grid_sampler _grid_sampler_2d_cpu_fallback affine_grid_generator
_upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward
_upsample_nearest_exact3d_backward _upsample_lanczos2d_aa_backward cudnn_grid_sampler_backward
_grid_sampler_2d_cpu_fallback_backward cudnn_affine_grid_generator
"""

FOURIER = """
_fft_r2c _fft_c2r _fft_c2c stft istft
"""

NOTHING = """
reshape contiguous flatten unflatten clone cat stack concat hstack vstack dstack column_stack
repeat repeat_interleave tile roll flip fliplr flipud rot90 pad constant_pad_nd reflection_pad1d
reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d _pad_enum
_pad_circular reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward
replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward pixel_shuffle
pixel_unshuffle channel_shuffle native_channel_shuffle im2col col2im unfold_backward index
index_put _index_put_impl _unsafe_index _unsafe_index_put _unsafe_masked_index
_unsafe_masked_index_put_accumulate index_select index_copy index_fill gather take take_along_dim
scatter masked_select masked_scatter masked_scatter_backward embedding embedding_bag _embedding_bag
_embedding_bag_forward_only embedding_dense_backward select_backward slice_backward
diagonal_backward index_select_backward value_selecting_reduction_backward select_scatter
slice_scatter diagonal_scatter as_strided_scatter triu tril triu_indices tril_indices diag_embed
diag eye one_hot meshgrid empty empty_like empty_strided empty_permuted new_empty new_empty_strided
zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full fill zero arange
scalar_tensor tensor lift lift_fresh lift_fresh_copy detach alias to _to_cpu type_as _unsafe_view
_reshape_alias _reshape_copy unbind split chunk tensor_split unsafe_split unsafe_split_with_sizes
unsafe_chunk split_with_sizes split_with_sizes_copy _assert_async _functional_assert_async
_assert_tensor_metadata _assert_scalar sym_size sym_stride sym_numel sym_storage_offset
sym_constrain_range sym_constrain_range_for_size _local_scalar_dense item is_nonzero allclose set_
set resize resize_ resize_as_ record_stream set_data requires_grad_ _has_same_storage_numel
is_pinned pin_memory _pin_memory _efficientzerotensor _new_zeros_with_same_feature_meta expand
expand_as broadcast_to broadcast_tensors conj _conj _neg_view resolve_conj resolve_neg view_as
_nested_tensor_from_mask _nested_tensor_from_mask_left_aligned _nested_view_from_buffer
_nested_view_from_buffer_copy _nested_from_padded nested_to_padded_tensor to_padded_tensor
_nested_from_padded_and_nested_example _nested_get_values _nested_get_offsets _nested_get_lengths
_nested_view_from_jagged _nested_get_jagged_dummy _nested_get_ragged_idx _nested_get_min_seqlen
_nested_get_max_seqlen _nested_tensor_size _nested_tensor_strides _nested_tensor_storage_offsets
_nested_tensor_from_tensor_list _jagged_to_padded_dense_forward _padded_dense_to_jagged_forward
is_floating_point size stride numel dim storage_offset _pack_padded_sequence _pad_packed_sequence
_pack_padded_sequence_backward _cudnn_init_dropout_state _use_cudnn_rnn_flatten_weight
_cudnn_rnn_flatten_weight _fused_sdp_choice nms histogramdd _spdiags bitwise_left_shift
combinations cartesian_prod block_diag atleast_1d atleast_2d atleast_3d permute_copy view_copy
transpose_copy _to_dense to_dense to_sparse _dim_arange range vander logical_not isclose _make_dual
_unpack_dual swapaxes swapdims moveaxis movedim narrow_copy reshape_as alias_copy t_copy
expand_copy squeeze_copy unsqueeze_copy split_copy unbind_copy slice_copy select_copy unfold_copy
detach_copy as_strided_copy _cufft_get_plan_cache_size _is_any_true _is_all_true
is_contiguous sym_is_contiguous is_strides_like_format is_non_overlapping_and_dense
sym_size sym_stride sym_numel sym_storage_offset
mkldnn_reorder_conv2d_weight mkldnn_reorder_conv3d_weight to_mkldnn is_same_size _foreach_clone
_foreach_zero _chunk_cat _stack _lazy_clone _nested_from_padded_tensor
_nested_compute_contiguous_strides_offsets _nested_select_backward _coalesce _coalesced
is_coalesced _nnz dense_dim sparse_dim _to_sparse _to_sparse_csr sparse_coo_tensor
_sparse_coo_tensor_with_dims_and_tensors put _embedding_bag_backward _embedding_bag_dense_backward
_copy_from _resize_output resize_as is_set_to _functional_assert_scalar
_functional_sym_constrain_range _functional_sym_constrain_range_for_size _print q_scale
q_zero_point qscheme q_per_channel_scales q_per_channel_zero_points q_per_channel_axis
_use_cudnn_ctc_loss empty_quantized _empty_affine_quantized _mkldnn_transpose _mkldnn_reshape
from_file _convert_weight_to_int4pack _convert_weight_to_int4pack_for_cpu _shape_as_tensor
_to_sparse_csc _to_sparse_bsr _to_sparse_bsc to_sparse_csr to_sparse_csc to_sparse_bsr to_sparse_bsc
sparse_compressed_tensor _sparse_compressed_tensor_unsafe _sparse_compressed_tensor_with_dims
sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor _sparse_coo_tensor_unsafe
_sparse_coo_tensor_with_dims _convert_indices_from_coo_to_csr _convert_indices_from_csr_to_coo
_validate_sparse_coo_tensor_args _validate_sparse_compressed_tensor_args
_validate_compressed_sparse_indices _validate_sparse_csr_tensor_args sparse_mask
_sparse_mask_projection sparse_resize sparse_resize_and_clear
"""

_CLASSES = {
    "normalisation": NORMALISATION,
    "softmax": SOFTMAX,
    "activation": ACTIVATION,
    "elementwise": ELEMENTWISE,
    "reduction": REDUCTION,
    "pooling": POOLING,
    "interpolation": INTERPOLATION,
    "fourier": FOURIER,
    "none": NOTHING,
}

FREE: dict[str, str] = {
    f"aten::{name}": kind for kind, names in _CLASSES.items() for name in names.split()
}
"""Qualified name -> class of other arithmetic, ``none`` if nothing is computed."""

_PRIMS_ELEMENTWISE = """
abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_not bitwise_or bitwise_xor cbrt
ceil conj conj_physical copysign cos cosh digamma div eq erf erf_inv erfc erfcx exp exp2 expm1 fill
floor fmax fmin fmod gcd ge gt hypot igamma imag isfinite le lgamma log log10 log1p log2 lt maximum
minimum mul ne neg nextafter normal pow real reciprocal remainder round rsqrt shift_left
shift_right_arithmetic sign signbit sin sinh sqrt sub tan tanh trunc uniform where zeta
convert_element_type
"""
_PRIMS_REDUCTION = "amax amin prod sum var xor_sum"
_PRIMS_NOTHING = """
as_strided as_strided_scatter broadcast_in_dim cat clone collapse collapse_view copy_strided copy_to
device_put empty empty_permuted empty_strided full full_like iota item maximum_value minimum_value
reshape resize rev scalar_tensor split_dim squeeze transpose view_of
"""

FREE |= {f"prims::{name}": "elementwise" for name in _PRIMS_ELEMENTWISE.split()}
FREE |= {f"prims::{name}": "reduction" for name in _PRIMS_REDUCTION.split()}
FREE |= {f"prims::{name}": "none" for name in _PRIMS_NOTHING.split()}
FREE |= {
    "torchvision::nms": "none",
    "torchvision::_roi_align_backward": "interpolation",
    "torchvision::roi_align": "interpolation",
    "torchvision::roi_pool": "pooling",
    "torchvision::ps_roi_align": "interpolation",
    "torchvision::ps_roi_pool": "pooling",
    "prim::device": "none",
    "prim::layout": "none",
    "profiler::_record_function_enter_new": "none",
    "profiler::_record_function_exit": "none",
    "inductor::_alloc_from_pool": "none",
    "quantized::add": "elementwise",
    "quantized::add_relu": "elementwise",
    "quantized::mul": "elementwise",
    "quantized::mul_scalar": "elementwise",
    "quantized::add_scalar": "elementwise",
    "quantized::hardswish": "activation",
    "quantized::leaky_relu": "activation",
    "quantized::sigmoid": "activation",
    "quantized::elu": "activation",
    "quantized::celu": "activation",
    "quantized::cat": "none",
    "quantized::batch_norm2d": "normalisation",
    "quantized::layer_norm": "normalisation",
    "quantized::group_norm": "normalisation",
    "quantized::instance_norm": "normalisation",
}
FREE |= dict.fromkeys(
    (
        f"quantized_decomposed::{name}"
        for name in (
            *("quantize_per_tensor", "dequantize_per_tensor", "quantize_per_channel"),
            *("dequantize_per_channel", "quantize_per_token", "dequantize_per_token"),
            *("quantize_per_channel_group", "dequantize_per_channel_group"),
            *("fake_quant_per_channel", "convert_element_type"),
        )
    ),
    "elementwise",
)
FREE |= dict.fromkeys(
    (
        f"quantized_decomposed::{name}"
        for name in (
            *("choose_qparams", "choose_qparams_symmetric", "choose_qparams_per_token"),
            *("choose_qparams_per_token_asymmetric", "_choose_qparams_per_token_asymmetric_impl"),
        )
    ),
    "reduction",
)


def free_class(name: str) -> str | None:
    """The class of an operator that multiplies nothing, or None if it is not declared so."""
    kind = FREE.get(name)
    if kind is None and name.endswith("_"):
        kind = FREE.get(name[:-1])
    return kind
