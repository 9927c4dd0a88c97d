"""Closed forms of models whose forms are known, term for term."""

from __future__ import annotations

import functools

import pytest
import sympy

from vtbench.count.count_workload import count_workload
from vtbench.count.symbolic.derive import formula
from vtbench.data.closed_form import parse, value
from vtbench.data.workload import Workload

KNOWN = {
    "resnet50": (32, "83410944*B*h*w + 2048000*B"),
    "deit_small_patch16_224": (16, "9216*B*h**2*w**2 + 21547008*B*h*w + 21626880*B"),
    "swin_tiny_patch4_window7_224": (224, "4489798656*B*h*w + 768000*B"),
    "swinv2_tiny_window8_256": (256, "5920260096*B*h*w + 768000*B + 18662400"),
    "pvt_v2_b1": (32, "31744*B*h**2*w**2 + 41461760*B*h*w + 512000*B"),
    "xcit_small_12_p16_224": (16, "24423936*B*h*w + 3924480*B + 24576*h*w"),
    "convnext_tiny": (32, "90913536*B*h*w + 768000*B"),
    "regnety_080": (32, "162366720*B*h*w + 7088032*B"),
    "efficientnet_b3": (32, "19577808*B*h*w + 3395648*B"),
    "poolformer_s12": (32, "36974592*B*h*w + 512000*B"),
    "inception_v3": (
        32, "77484032*B*h*w - 75292160*B*h - 75292160*B*w + 95293792*B"
    ),
}  # fmt: skip
"""Unit, and the count with h = H/unit and w = W/unit."""


@functools.cache
def derived(name):
    return formula(Workload(model=name), time_limit=120)


@pytest.mark.parametrize("name", KNOWN)
def test_the_clean_form_is_the_known_one_term_for_term(name):
    unit, known = KNOWN[name]
    found = derived(name)
    assert found.method == "symbolic"
    assert found.unit == (unit, unit)
    assert sympy.expand(sympy.sympify(found.macs_unit) - sympy.sympify(known)) == 0
    assert len(sympy.Add.make_args(sympy.sympify(found.macs_unit))) == known.count(" ") // 2 + 1


@pytest.mark.parametrize("name", KNOWN)
def test_the_wide_form_equals_the_clean_one_at_multiples_of_the_unit(name):
    found = derived(name)
    high, wide = found.unit
    for batch, h, w in ((1, 3, 3), (3, 4, 5), (2, 7, 3)):
        pixels = {"B": batch, "H": h * high, "W": w * wide}
        clean = value(parse(found.macs_unit), {"B": batch, "h": h, "w": w})
        assert value(parse(found.macs), pixels) == clean


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
@pytest.mark.parametrize(("height", "width"), [(97, 333), (225, 64), (33, 500), (1, 1)])
def test_the_form_with_floors_is_exact_at_every_size(name, height, width):
    counted = count_workload(Workload(model=name, resolution=(height, width), batch_size=2)).macs
    sizes = {"B": 2, "H": height, "W": width}
    found = derived(name)
    assert not found.conditions
    assert value(parse(found.macs), sizes) == counted
    assert sympy.sympify(found.macs).subs(sizes) == counted  # as any user would


@pytest.mark.parametrize(("height", "width"), [(260, 516), (224, 448), (196, 300)])
def test_windows_that_have_to_be_padded_are_counted_with_their_padding(height, width):
    found = derived("swin_tiny_patch4_window7_224")
    name = "swin_tiny_patch4_window7_224"
    counted = count_workload(Workload(model=name, resolution=(height, width))).macs
    assert value(parse(found.macs), {"B": 1, "H": height, "W": width}) == counted
    assert "H, W multiples of 4" in found.conditions


def test_what_does_not_scale_with_the_batch_is_named():
    assert derived("swinv2_tiny_window8_256").batch_free == "18662400"
    apart = derived("xcit_small_12_p16_224").batch_free
    assert sympy.sympify(apart).subs({"H": 224, "W": 224}) == 24576 * 14 * 14
    assert derived("resnet50").batch_free is None


def test_growth_is_read_off_the_form():
    assert derived("deit_small_patch16_224").growth == "quadratic in pixels"
    assert derived("deit_small_patch16_224").degree == {"B": 1, "H": 2, "W": 2}
    assert derived("swin_tiny_patch4_window7_224").growth == "linear in pixels"
    assert derived("pvt_v2_b1").growth == "quadratic in pixels"
    assert derived("xcit_small_12_p16_224").growth == "linear in pixels"


def test_the_least_size_stands_among_the_conditions():
    assert "H, W >= 75" in derived("inception_v3").conditions  # below, a pool has no input left


@pytest.mark.parametrize("name", KNOWN)
def test_every_form_has_been_held_against_unseen_sizes(name):
    checked = derived(name).checked_at
    sizes = [proof.sizes for proof in checked]
    assert len(sizes) >= 4
    assert any(each["B"] == 3 and each["H"] != each["W"] for each in sizes)
    for proof in checked:
        assert value(parse(derived(name).macs), proof.sizes) == proof.macs
