"""Sparse feature sampling by itself: N·P·C values, whatever the size of the map."""

import pytest
import torch

from vtbench import count
from vtbench.data.cost.library import cost_model
from vtbench.papers.sparseformer.networks.sampling_block import sparse_feature_sampling


@pytest.mark.parametrize("size", [14, 56, 200])
def test_it_writes_n_p_c_values_for_a_map_of_any_size(size):
    block, feature_map = sparse_feature_sampling(
        tokens=9, points=16, channels=8, resolution=(size, size), batch_size=2
    )
    assert block(feature_map).shape == (2, 9, 16, 8)
    found = count(block, feature_map)
    assert found.record.classes()["interpolation"] == 2 * 9 * 16 * 8
    assert found.record.macs == 0


def test_the_cost_model_counts_a_multiplication_for_each_value():
    model = cost_model("sparse_sampling")
    at = {"N": 9, "P": 16, "C": 8}
    assert model.macs(model.resolved({**at, "interpolation": "printed"})) == 9 * 16 * 8


def test_it_reads_the_map_bilinearly_at_the_points_of_each_region():
    """A map that is its own x coordinate gives the x of each point."""
    block, feature_map = sparse_feature_sampling(tokens=3, points=4, channels=1)
    side = feature_map.shape[-1]
    ramp = (torch.arange(side) + 0.5) / side
    read = block(ramp.expand(1, 1, side, side))[0, :, :, 0]
    where = block.points(block.rois[None], block.rois[None])[0, :, :, 0]
    torch.testing.assert_close(read, where, atol=1e-6, rtol=0)
