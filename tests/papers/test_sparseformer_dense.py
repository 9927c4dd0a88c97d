"""SparseFormer as detector and segmenter: exact costs, heads, what the paper's table 8 counted."""

from __future__ import annotations

import pytest
import torch
from counts_by_name import counted

from vtbench.data.stages import stage_work
from vtbench.errors import BadOption
from vtbench.papers.sparseformer.networks.detector import SparseFormerDetector
from vtbench.papers.sparseformer.networks.sampling import initial_rois
from vtbench.papers.sparseformer.networks.segmenter import SparseFormerSegmenter, location_bias

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"tokens": 6, "width": 64, "cortex_width": 128, "blocks": 2, "points": 4, "channels": 8,
         "heads": 16, "repeats": 2, "num_classes": 5}  # fmt: skip
P, C = 36, 96


def body(N, d_f, d_c, blocks, stem):
    """Section 2 of the cost of the image network, as four repeats and so many blocks."""
    attend = lambda d: 4 * N * d**2 + 2 * N**2 * d + 8 * N * d**2  # noqa: E731 - one line of three terms
    look = lambda d: (N*d*(4 + 2*P) + N*(d*d//4 + d//4*(C**2 + P**2))  # noqa: E731 - as above
                      + N*(P*C**2 + P**2*C) + N*P*C*d)  # fmt: skip
    return stem + 4 * (attend(d_f) + look(d_f)) + N * d_f * d_c + blocks * attend(d_c) + look(d_c)


def test_the_detector_costs_its_body_and_two_small_heads():
    """SparseFormer-S of 400 tokens at 800x1066, and what reads 100 of them."""
    record = counted("sparseformer_det")
    heads = 100 * 640 * 92 + 100 * (640 * 640 + 640 * 4)
    assert record.workload.resolution == (800, 1066)
    assert record.macs == body(400, 320, 640, 8, 147 * C * 400 * 533) + heads
    assert record.complete
    work = {stage.stage: stage.macs for stage in stage_work(record)}
    assert (work["head.classifier"], work["head.box"]) == (5_888_000, 41_216_000)


@pytest.mark.parametrize(
    ("resolution", "macs"), [((800, 1066), 28.56), ((800, 1133), 28.76), ((800, 1333), 29.32)]
)
def test_the_detector_s_body_at_other_sizes(resolution, macs):
    """With the classifier of 100 tokens, and without the refinement of their RoIs."""
    record = counted("sparseformer_det", resolution)
    assert round((record.macs - 41_216_000) / 1e9, 2) == macs


@pytest.mark.parametrize(
    ("tokens", "full", "hooked"), [(49, 34.0, 33.0), (256, 44.8, 39.0), (400, 52.8, 43.1)]
)
def test_the_segmenter_at_the_rows_of_table_8(tokens, full, hooked):
    """All MACs, and those of convolutions and of linear layers but attention's: the table's.

    Hooks of modules see neither products nor, in the authors' code, the projections of attention.
    """
    record = counted("sparseformer_seg", tokens=tokens)
    M, E, d_c = 128 * 128, 256, 512
    head = (M * C * E + 2 * tokens * d_c * E + 2 * M * tokens * E + 9 * M * E * E
            + 9 * M * E * 2 * E + M * 2 * E * 150)  # fmt: skip
    assert record.macs == body(tokens, 256, 512, 8, 147 * C * 256 * 256) + head
    assert round(record.macs / 1e9, 1) == full
    work = {stage.stage: stage.macs for stage in stage_work(record)}
    unseen = ("products", "attention", "decoding.mixing")
    seen = sum(macs for stage, macs in work.items() if not stage.endswith(unseen))
    assert round(seen / 1e9, 1) == hooked


def test_only_some_tokens_detect_and_the_others_are_seen():
    torch.manual_seed(0)
    net = SparseFormerDetector(**SMALL, detected=4).eval()
    image = torch.randn(2, 3, 48, 64)
    found = net(image)
    assert found.scores.shape == (2, 4, 5)
    assert found.boxes.shape == (2, 4, 4)
    seen = net.see(image)
    torch.testing.assert_close(found.boxes, seen.rois[:, :4])  # refinement starts from none
    net.initial.embeddings.data[5] += 1
    assert (net(image).scores - found.scores).abs().max() > 1e-5


def test_boxes_are_refined_as_rois_are():
    """Shifts of half a size, and twice the width."""
    net = SparseFormerDetector(**SMALL, detected=1).eval()
    net.head.box.deltas.bias.data = torch.tensor([0.5, -0.5, 0.6931472, 0.0])
    image = torch.randn(1, 3, 48, 64)
    (roi,) = net.see(image).rois[0, :1]
    x1, y1, x2, y2 = net(image).boxes[0, 0].tolist()
    left, top, right, bottom = roi.tolist()
    middle, height = (left + right) / 2 + 0.5 * (right - left), bottom - top
    assert (x1, x2) == pytest.approx((middle - (right - left), middle + (right - left)), abs=1e-5)
    assert (y1, y2) == pytest.approx((top - 0.5 * height, bottom - 0.5 * height), abs=1e-5)


def test_more_tokens_start_as_halves_at_drawn_centres():
    torch.manual_seed(0)
    for net in (SparseFormerDetector(**SMALL, detected=4), SparseFormerSegmenter(**SMALL)):
        rois = net.initial.rois.detach()
        sides, centres = rois[:, 2:] - rois[:, :2], (rois[:, 2:] + rois[:, :2]) / 2
        assert sides.flatten().tolist() == pytest.approx([0.5] * 12)
        assert centres.min() >= 0
        assert centres.max() <= 1
        assert len(set(centres.flatten().tolist())) == 12
    net = SparseFormerSegmenter(**{**SMALL, "tokens": 49})
    assert torch.equal(net.initial.rois.detach(), initial_rois(49, "half"))


def test_location_bias_by_hand():
    """A RoI of 0.5 x 0.25 at (0.5, 0.25), on a map of 2 rows and 4 columns."""
    rois = torch.tensor([[[0.25, 0.125, 0.75, 0.375]]])
    found = location_bias(rois, 2, 4)[0, :, 0].view(2, 4)
    for row, y in enumerate((0.25, 0.75)):
        for column, x in enumerate((0.125, 0.375, 0.625, 0.875)):
            expected = -(((x - 0.5) / 0.5) ** 2) - ((y - 0.25) / 0.25) ** 2
            assert found[row, column].item() == pytest.approx(expected, abs=1e-6)


def test_positions_ask_the_tokens_near_them():
    """With no queries, scores are the bias alone, and values come as a softmax of distances."""
    torch.manual_seed(0)
    net = SparseFormerSegmenter(**SMALL).eval()
    image = torch.randn(1, 3, 33, 48)
    seen = net.see(image)
    torch.nn.init.zeros_(net.head.query.weight)
    kept = []
    net.head.products.register_forward_hook(lambda part, given, out: kept.append(out))
    assert net(image).shape == (1, 5, 9, 12)
    values = net.head.value(net.head.norm(seen.tokens))
    expected = location_bias(seen.rois, 9, 12).softmax(dim=-1) @ values
    torch.testing.assert_close(kept[0], expected, atol=1e-5, rtol=1e-5)


def test_order_of_tokens_does_not_matter_to_the_segmenter():
    torch.manual_seed(0)
    net = SparseFormerSegmenter(**SMALL).eval()
    image = torch.randn(1, 3, 32, 48)
    before = net(image)
    order = torch.randperm(6)
    for table in (net.initial.embeddings, net.initial.rois):
        table.data = table.data[order]
    torch.testing.assert_close(net(image), before, atol=1e-5, rtol=1e-5)


def test_contradictions_are_refused():
    with pytest.raises(BadOption, match="detected=100 and tokens=6 contradict"):
        SparseFormerDetector(**SMALL)
    with pytest.raises(BadOption, match="dense_channels must be at least 1"):
        SparseFormerSegmenter(**SMALL, dense_channels=0)
