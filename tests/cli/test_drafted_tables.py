"""Tables as papers print them, drafted: every figure is kept, or said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from vtbench.claims.suite import read_suite

TABLES = Path(__file__).parents[1] / "data" / "drafted"
"""Ten tables with what papers do: spans, stacked headings, units in cells, marks, dashes."""


@pytest.fixture
def drafted(vtbench, tmp_path):
    """A table's claims without the name of the suite, its text, and what was said."""

    def draft(name, *options):
        path = tmp_path / "s.toml"
        ended = vtbench("init-suite", str(path), "--from", str(TABLES / name), *options)
        assert ended.status == 0, ended.err
        claims = {claim.id.removeprefix("s.t1."): claim for claim in read_suite(path).claims}
        return claims, path.read_text(encoding="utf-8"), ended.err

    return draft


def figures(claims):
    """Row and column -> digits and unit, of the figures that stand in the table."""
    return {
        name: f"{claim.printed} {claim.unit}".strip()
        for name, claim in claims.items()
        if not name.endswith(".printed")
    }


def workloads(claims):
    """Row -> its model and size."""
    return {
        name.partition(".")[0]: (claim.workload.model, claim.workload.resolution)
        for name, claim in claims.items()
        if claim.workload is not None
    }


def test_units_in_cells_stay_as_they_are_printed(drafted):
    claims, text, _ = drafted("units_in_cells.csv")
    assert figures(claims) == {
        "resnet_50.flops": "4.1 G", "resnet_50.params": "25.6 M", "resnet_50.top_1": "76.2",
        "t2t_vit_14.flops": "0.39 B", "t2t_vit_14.params": "21.5 M", "t2t_vit_14.top_1": "81.5",
        "vit_b_16.flops": "17.6 G", "vit_b_16.params": "86.6 M", "vit_b_16.top_1": "77.9",
    }  # fmt: skip
    assert 'flops = { printed = "0.39", unit = "B" }' in text
    assert (claims["t2t_vit_14.flops"].low, claims["t2t_vit_14.flops"].high) == (385e6, 395e6)


def test_cells_of_several_units_have_their_own(drafted):
    claims, text, said = drafted("mixed_units.md")
    counted = {name: figure for name, figure in figures(claims).items() if "macs" in name}
    assert counted == {
        "mobilenet.macs": "569 M", "resnet_50.macs": "4.09 G", "small_net.macs": "390,000,000",
        "odd_net.macs": "4.1 G",
    }  # fmt: skip
    assert (claims["mobilenet.macs"].low, claims["mobilenet.macs"].high) == (568.5e6, 569.5e6)
    assert claims["odd_net.macs"].relation == "about"
    assert 'img_s = "880" # printed as 880±12' in text
    assert "row 4 (Odd net), column 4 (img/s): '880±12' has more than its figure" in said


def test_spans_bold_and_footnote_marks_of_latex(drafted):
    claims, _, said = drafted("booktabs.tex")
    assert figures(claims) == {
        "deit_s.cost_flops": "4.6 G", "deit_s.cost_params": "22.1 M",
        "deit_s.accuracy_top_1": "79.8 %", "ours.cost_flops": "3.0 G", "ours.cost_params": "22.1 M",
        "ours.accuracy_top_1": "79.6 %", "evit_s.cost_flops": "3.0 G",
        "evit_s.cost_params": "22.1 M",
    }  # fmt: skip
    assert workloads(claims) == {"deit_s": ("deit_s", None)}
    assert "row 3 (EViT-S), column 3 (Cost Params (M)): '22.1^†'" in said
    assert "no model is named for Ours (k=98) (row 2), EViT-S (row 3)" in said


def test_the_printed_size_of_a_row_is_its_workloads(drafted):
    claims, text, _ = drafted("sizes_in_groups.tex")
    assert workloads(claims) == {
        "swin_t": ("swin_t", (224, 224)), "convnext_t": ("convnext_tiny", (224, 224)),
        "swin_b": ("swin_b", (384, 384)), "convnext_b": ("convnext_base", (384, 384)),
    }  # fmt: skip
    assert 'resolution = "own" # every row has the size that the table prints' in text
    assert len(figures(claims)) == 12


def test_lines_between_groups_are_said_and_are_no_headings(drafted):
    claims, _, said = drafted("sections.tex")
    assert figures(claims) == {
        "regnety_4g.macs": "4.0 G", "regnety_4g.params": "21 M", "regnety_16g.macs": "16.0 G",
        "regnety_16g.params": "84 M", "vit_b_16.macs": "55.4 G", "vit_b_16.params": "86 M",
        "deit_b.macs": "55.4 G", "deit_b.params": "86 M",
    }  # fmt: skip
    assert workloads(claims)["deit_b"] == ("deit_b", (384, 384))
    assert "the line 'Transformers' over all columns is left out" in said


def test_without_a_printed_size_it_is_each_models_own_and_a_guess(drafted):
    claims, text, _ = drafted("stacked_heads.tex")
    assert 'resolution = "own" # a guess' in text
    assert 'workload = { model = "sparseformer_t" } # a guess from the name of the row' in text
    assert figures(claims) == {
        "sparseformer_t.flops": "2.0 G", "sparseformer_t.params": "32 M",
        "sparseformer_s.flops": "3.8 G", "sparseformer_s.params": "48 M",
        "sparseformer_b.flops": "7.8 G", "sparseformer_b.params": "81 M",
    }  # fmt: skip


def test_a_model_that_was_named_is_no_guess(drafted):
    _, text, _ = drafted("stacked_heads.tex", "--model", "SparseFormer-T=sparseformer_t")
    assert 'workload = { model = "sparseformer_t" }\n' in text


def test_a_difference_has_the_unit_of_what_it_differs_from(drafted):
    claims, text, said = drafted("differences.tex")
    assert figures(claims)["vt.d_flops"] == "-0.25 G"
    assert '# d_flops = "-11.5" # printed as -11.5%' in text
    assert "row 4 (+ VT), column 3 (Δ FLOPs): '-11.5%' is in %, unlike its column" in said


def test_what_is_no_single_figure_is_a_comment_with_its_place(drafted):
    claims, text, said = drafted("uncertain.tex")
    assert claims["large.flops"].relation == "about"
    assert "# flops: printed as 3.6--4.1" in text
    for place in ("row 1 (Small), column 4", "row 2 (Medium), column 2", "row 4 (Huge), column 2"):
        assert place in said
    assert figures(claims)["huge.error"] == "17.9"


def test_a_table_with_a_model_in_each_column_is_turned(drafted):
    claims, _, said = drafted("turned.tex")
    assert figures(claims) == {
        "t.flops": "4.5 G", "t.params": "28.3 M", "s.flops": "8.7 G", "s.params": "49.6 M",
        "b.flops": "15.4 G", "b.params": "87.8 M",
    }  # fmt: skip
    assert "the table was turned" in said


def test_a_heading_over_two_columns_and_dashes(drafted):
    claims, text, _ = drafted("two_devices.tex")
    assert figures(claims)["mobilenetv2_2.latency_gpu"] == "3.1"
    assert "shufflenet.latency_gpu" not in claims
    assert "n/a" not in text
    assert 'where = "Latency on two devices."' in text
    assert not workloads(claims)  # a width in parentheses is another model


@pytest.mark.parametrize("table", sorted(TABLES.iterdir()), ids=lambda path: path.stem)
def test_what_is_drafted_is_read_without_a_mistake(vtbench, tmp_path, table):
    path = tmp_path / "s.toml"
    assert vtbench("init-suite", str(path), "--from", str(table)).status == 0
    ended = vtbench("check", str(path), "--only", "no.such.claim")
    assert "s.toml:" not in ended.err  # a mistake has a line
    assert read_suite(path).claims
