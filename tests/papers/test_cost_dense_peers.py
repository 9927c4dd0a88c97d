"""Cost models of ViT, Swin and Perceiver against written arithmetic, and beside SparseFormer."""

from __future__ import annotations

import pytest
import sympy
from cost_by_name import both

from vtbench.data.cost import cost_model
from vtbench.data.cost.ranges import crossings, totals
from vtbench.errors import BadOption

H, W = sympy.symbols("H W", integer=True, positive=True)


@pytest.mark.parametrize(
    ("name", "given", "giga"),
    [
        ("vit", {}, 17.564),
        ("vit", {"H": 384, "width": 1024, "layers": 24}, 191.07),
        ("vit", {"width": 1024, "layers": 24}, 61.55),
        ("vit", {"patch": 14, "width": 1024, "layers": 24, "classes": 768}, 81.01),
        ("deit_s", {}, 4.599),
        ("deit_b", {}, 17.564),
        ("swin_t", {}, 4.491),
        ("swin_s", {}, 8.741),
        ("perceiver", {}, 353.1),
    ],
)
def test_a_network_as_it_was_measured(name, given, giga):
    """Billions of full counts, to as many digits as are known."""
    digits = len(str(giga).partition(".")[2])
    assert round(both(name, **given)[0] / 1e9, digits) == giga


def test_a_vision_transformer_in_arithmetic():
    expected = 3 * 256 * 384 * 196 + 12 * (12 * 197 * 384**2 + 2 * 197**2 * 384) + 384_000
    assert both("deit_s")[0] == expected == 4_598_882_304


def test_a_swin_transformer_in_arithmetic():
    """56, 28, 14 and 7 to a side: whole windows of 49, whose products cost 2·49·d per position."""
    expected = 48 * 96 * 56**2 + 768_000
    for layers, side, width in ((2, 56, 96), (2, 28, 192), (6, 14, 384), (2, 7, 768)):
        expected += layers * side**2 * (12 * width**2 + 2 * 49 * width)
        expected += 0 if side == 56 else side**2 * 2 * width * width  # four neighbours to one
    assert both("swin_t")[0] == expected == 4_490_566_656


def test_windows_are_padded_to_whole_ones_and_a_small_map_is_its_own():
    """At 192 sides are 48, 24, 12 and 6: padded to 49, 28 and 14, and one window of 6x6."""
    expected = 48 * 96 * 48**2 + 768_000
    for layers, side, padded, window, width in (
        (2, 48, 49, 49, 96), (2, 24, 28, 49, 192), (6, 12, 14, 49, 384), (2, 6, 6, 36, 768),
    ):  # fmt: skip
        expected += layers * padded**2 * (4 * width**2 + 2 * window * width)
        expected += layers * side**2 * 8 * width**2
        expected += 0 if side == 48 else side**2 * 2 * width * width
    assert both("swin_t", H=192)[0] == expected


def test_a_perceiver_in_arithmetic():
    """261 channels of a pixel: 3 colours, and 129 of its position on each axis."""
    pixels, seen = 224**2, 3 + 2 * (2 * 64 + 1)
    read = 2 * pixels * seen**2 + 2 * 512 * pixels * seen + 512 * (2 * 1024 * seen + 2 * 1024**2)
    block = 512 * 6 * 1024**2 + 2 * 512**2 * 1024
    assert both("perceiver")[0] == 8 * (read + 6 * block) + 1_024_000
    # the first read has weights of its own, the others share theirs; blocks are shared by all
    weights = 2 * (2 * seen**2 + 2 * 1024 * seen + 2 * 1024**2) + 6 * 6 * 1024**2 + 1_024_000
    assert both("perceiver")[1] == weights


def test_peers_grow_with_the_image_as_their_attention_does():
    """A vision transformer as (H·W)², a Perceiver as H·W, a Swin between its windows as H·W."""
    vit = sympy.Poly(cost_model("vit").macs({"H": H, "W": W}), H, W)
    assert vit.degree(H) == vit.degree(W) == 2
    assert vit.coeff_monomial(H**2 * W**2) == sympy.Rational(12 * 2 * 768, 16**4)
    perceiver = sympy.Poly(cost_model("perceiver").macs({"H": H, "W": W}), H, W)
    assert perceiver.total_degree() == 2
    assert perceiver.coeff_monomial(H * W) == 8 * (2 * 261**2 + 2 * 512 * 261)
    one, four = both("swin_t", H=224)[0] - 768_000, both("swin_t", H=448)[0] - 768_000
    assert four == 4 * one


def test_tokens_at_which_a_sparseformer_costs_as_much_as_a_swin():
    """The larger N, the dearer, and Swin has none: they cross once."""
    sizes = range(1, 200)
    ours = totals(cost_model("sparseformer_t"), {}, "N", sizes)
    swin = totals(cost_model("swin_t"), {}, "N", sizes)
    (found,) = crossings(("sparseformer_t", "swin_t"), sizes, ours, swin)
    assert (found.below, found.above) == ("sparseformer_t", "swin_t")
    assert both("sparseformer_t", N=found.after)[0] < 4_490_566_656
    assert both("sparseformer_t", N=found.at)[0] > 4_490_566_656
    assert (found.after, found.at) == (104, 105)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("deit_s", {"H": 200}, "H=200, W=200, patch=16: .* whole patches"),
        ("swin_t", {"H": 230}, "multiples of 32 from 128"),
        ("swin_t", {"H": 96}, "multiples of 32 from 128"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(name, given, said):
    with pytest.raises(BadOption, match=said):
        cost_model(name).macs(given)
