"""Clusters, weighted sums, waves and squares of patches: the rules, on examples by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import timm
import torch
from reduced_hosts import small
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from torch.nn import functional

from vtbench import reduce
from vtbench.errors import BadOption, ModelError
from vtbench.reduce.attach import places
from vtbench.reduce.clusters import means, softened, to_nearest
from vtbench.reduce.methods import (
    atc,
    dct,
    dpcknn,
    gridpool,
    kmedoids,
    patchmerger,
    sinkhorn,
)
from vtbench.reduce.run import Run

LINE = torch.tensor([0, 0.1, 0.25, 1, 1.15])[None, :, None]
"""Five patches of one channel."""
APART = (LINE - LINE.transpose(1, 2)).abs()


def test_peaks_of_density_and_their_clusters():
    centres = dpcknn.peaks(APART, 2, 3, 0.0)
    assert centres.tolist() == [[1, 3]]
    clusters = to_nearest(APART, centres)
    assert clusters.tolist() == [[0, 0, 0, 1, 1]]
    plain = softened(torch.zeros(1, 5), clusters, 2)
    assert torch.allclose(
        means(LINE, plain, clusters, 2).flatten(), torch.tensor([0.35 / 3, 1.075])
    )
    # a score of log 3 counts a patch three times; a huge one is not too much
    shares = softened(torch.tensor([[math.log(3), 0, 0, 0, 1e4]]), clusters, 2)
    assert torch.allclose(means(LINE, shares, clusters, 2).flatten(), torch.tensor([0.07, 1.15]))


def test_the_first_of_equal_peaks_comes_first():
    same = torch.zeros(1, 4, 4)
    assert dpcknn.peaks(same, 4, 5, 0.0).tolist() == [[0, 1, 2, 3]]
    assert to_nearest(same, torch.tensor([[2, 0]])).tolist() == [[1, 0, 0, 0]]


def test_noise_is_drawn_only_if_it_is_asked_for():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    dpcknn.peaks(APART, 2, 3, 0.0)
    assert torch.equal(torch.get_rng_state(), state)
    assert dpcknn.peaks(APART, 2, 3, 1e-6).tolist() == [[1, 3]]
    assert not torch.equal(torch.get_rng_state(), state)


def test_medoids_as_released_flee_from_attention():
    weights = torch.tensor([[0.2, 0.9, 0.3, 0.8, 0.1]])
    for iterations in (1, 3):
        found = kmedoids.medoids(APART, weights, 2, iterations, "released")
        assert found.tolist() == [[0, 4]]
        # 0.9·0.1 + 0.3·0.25, 0.2·0.1 + 0.3·0.15, 0.2·0.25 + 0.9·0.15: the second is in the middle
        assert kmedoids.medoids(APART, weights, 2, iterations, "paper").tolist() == [[1, 3]]


def slowly(apart: list[list[float]], count: int, linkage: str) -> set[frozenset[int]]:
    """Clusters joined one by one, each distance taken anew from the patches."""
    take = {"average": lambda d: sum(d) / len(d), "complete": max, "single": min}[linkage]
    clusters = [frozenset([each]) for each in range(len(apart))]
    while len(clusters) > count:
        one, two = min(
            itertools.combinations(clusters, 2),
            key=lambda pair: take([apart[a][b] for a in pair[0] for b in pair[1]]),
        )
        clusters = [each for each in clusters if each not in (one, two)] + [one | two]
    return set(clusters)


def as_sets(clusters: torch.Tensor) -> set[frozenset[int]]:
    found = clusters.tolist()
    return {frozenset(i for i, c in enumerate(found) if c == each) for each in set(found)}


@pytest.mark.parametrize(
    ("linkage", "expected"), [("single", [0, 0, 0, 1]), ("complete", [0, 0, 1, 1]),
                              ("average", [0, 0, 1, 1])]
)  # fmt: skip
def test_agglomeration_of_four_angles(linkage, expected):
    angles = [math.radians(each) for each in (0, 20, 50, 90)]
    vectors = torch.tensor([[[math.cos(each), math.sin(each)] for each in angles]])
    assert atc.agglomerated(atc.unlikeness(vectors), 2, linkage).tolist() == [expected]


@pytest.mark.parametrize("linkage", ["average", "complete", "single"])
def test_agglomeration_joins_as_one_by_one(linkage):
    torch.manual_seed(3)
    apart = atc.unlikeness(torch.randn(3, 14, 6))
    for count in (14, 13, 8, 3, 1):
        together = atc.agglomerated(apart, count, linkage)
        for clusters, image in zip(together, apart, strict=True):
            assert as_sets(clusters) == slowly(image.tolist(), count, linkage)


@pytest.mark.parametrize("linkage", ["average", "complete", "single"])
@pytest.mark.parametrize("count", [137, 67, 3])
def test_agglomeration_is_that_of_scipy(linkage, count):
    torch.manual_seed(4)
    apart = atc.unlikeness(torch.randn(3, 196, 64))
    for clusters, image in zip(
        atc.agglomerated(apart, count, linkage), apart.double().triu(1), strict=True
    ):
        tree = hierarchy.linkage(squareform((image + image.T).numpy()), linkage)
        labels = hierarchy.cut_tree(tree, count)[:, 0]
        assert as_sets(clusters) == as_sets(torch.from_numpy(labels))


@pytest.mark.parametrize("linkage", ["average", "complete", "single"])
def test_agglomeration_is_that_of_scikit_learn(linkage):
    cluster = pytest.importorskip("sklearn.cluster")
    torch.manual_seed(4)
    apart = atc.unlikeness(torch.randn(3, 196, 64))
    for clusters, image in zip(atc.agglomerated(apart, 67, linkage), apart, strict=True):
        found = cluster.AgglomerativeClustering(67, metric="precomputed", linkage=linkage)
        labels = torch.from_numpy(found.fit_predict(image.numpy()))
        assert as_sets(clusters) == as_sets(labels)


def test_agglomeration_weighs_patches_as_often_as_they_stand_for():
    model, image = small(), torch.randn(2, 3, 64, 64)
    reduction = reduce.atc(model)
    sizes: list[torch.Tensor] = []
    for block in model.blocks:
        block.mlp.register_forward_hook(lambda *_: sizes.append(reduction.run.size))
    model(image)
    assert sizes[0] is None
    assert [each.shape[1] for each in sizes[1:]] == [12, 8, 6]
    assert all(each[:, 1:].sum(1).eq(16).all() and each[:, 0].eq(1).all() for each in sizes[1:])


def test_equal_centres_share_every_patch():
    weights = sinkhorn.transported(torch.ones(2, 7, 4), 3)
    assert torch.allclose(weights, torch.tensor(0.25))


def test_transport_is_the_logarithmic_one():
    torch.manual_seed(5)
    likeness = torch.rand(2, 9, 4, dtype=torch.float64) * 2 - 1
    expected = likeness
    for _ in range(3):
        expected = expected - expected.logsumexp(1, keepdim=True)
        expected = expected - expected.logsumexp(2, keepdim=True)
    weights = sinkhorn.transported(likeness, 3)
    assert torch.allclose(weights, expected.exp(), rtol=1e-12)
    assert torch.allclose(weights.sum(2), torch.ones(2, 9, dtype=torch.float64))


def test_queries_of_zero_give_the_mean():
    patches = torch.randn(2, 9, 6)
    weights = patchmerger.attended(patches, torch.zeros(3, 6), 1.0)
    assert torch.allclose(weights, torch.tensor(1 / 9))
    step = patchmerger.Merge(3, 6, 1.0)
    torch.nn.init.zeros_(step.queries)
    found = step(torch.cat((patches[:, :1], patches), 1), Run(1))
    assert torch.equal(found[:, 0], patches[:, 0])  # the class token goes past it
    mean = functional.layer_norm(patches, (6,)).mean(1, keepdim=True).expand(-1, 3, -1)
    assert torch.allclose(found[:, 1:], mean, atol=1e-6)


@pytest.mark.parametrize("method", ["sinkhorn", "patchmerger", "sit", "dpcknn", "atc", "kmedoids"])
def test_the_order_of_patches_before_a_stage_does_not_matter(method):
    """What a block computes on tokens knows no order, and no more does the method."""
    model = small().double()
    reduction = getattr(reduce, method)(model, blocks=2)
    x = torch.randn(1, 17, 192, dtype=torch.float64)
    order = torch.cat((torch.zeros(1, dtype=torch.long), torch.randperm(16) + 1))

    def last(tokens: torch.Tensor) -> torch.Tensor:
        for block in model.blocks:
            tokens = block(tokens)
        return tokens[:, 0]

    assert len(reduction.lengths) == 4
    assert (last(x) - last(x[:, order])).abs().max() < 1e-10


@pytest.mark.parametrize("length", [1, 2, 3, 8, 13])
def test_waves_are_the_cosine_transform(length):
    x = torch.randn(2, length, 3, dtype=torch.float64)
    t = torch.arange(length, dtype=torch.float64)
    waves = torch.cos(math.pi * t[:, None] * (2 * t + 1) / (2 * length))  # (k, t)
    found = dct.cosine_transform(x)
    assert torch.allclose(found, 2 * waves @ x, atol=1e-12)
    assert torch.allclose(dct.cosine_inverse(found), x, atol=1e-12)
    for kept in range(1, length + 1):
        short = dct.slowest(x, kept)
        assert short.shape == (2, kept, 3)
        assert torch.allclose(short.mean(1), x.mean(1), atol=1e-12)


def test_squares_are_means_of_their_patches():
    x = torch.arange(15.0).reshape(1, 15, 1)  # 3 rows of 5
    sizes = gridpool.pooled(torch.ones(1, 15, 1), (3, 5), 2) * 4
    assert sizes.flatten().tolist() == [4, 4, 2, 2, 2, 1]
    found = gridpool.pooled(x, (3, 5), 2) * 4 / sizes
    assert found.flatten().tolist() == [3, 5, 6.5, 10.5, 12.5, 14]
    assert gridpool.squares((3, 5), 2, x.device).tolist() == [
        0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5,
    ]  # fmt: skip


def test_pictures_follow_the_patches():
    image = torch.randn(2, 3, 64, 64)
    reduction = reduce.gridpool(small())
    assert places(reduction, image)[-1][1].tolist() == [1, 1, 2, 2] * 2 + [3, 3, 4, 4] * 2
    reduction = reduce.kmedoids(small(), keep_rate=0.5)
    assert [each.max().item() for each in places(reduction, image)[1:]] == [8, 4, 2]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("sinkhorn", {"iterations": 0}, "iterations=0"),
    ("sinkhorn", {"keep_rate": 0}, "above 0 and at most 1"),
    ("patchmerger", {"merged": 0}, "from 1 to 16"),
    ("patchmerger", {"merged": 4, "keep_rate": 0.5}, "give one of them"),
    ("dpcknn", {"k": 0}, "k=0"),
    ("dpcknn", {"noise": -1}, "noise=-1"),
    ("kmedoids", {"blocks": (0, 2)}, "Begin at block 1"),
    ("kmedoids", {"cost": "papers"}, "Did you mean paper"),
    ("atc", {"linkage": "ward"}, "average, complete, single"),
    ("tokenlearner", {"learned": 17}, "from 1 to 16"),
    ("tokenlearner", {"block": 4}, "from 0 to 3"),
    ("dct", {"ratio": 0}, "above 0 and at most 1"),
    ("dct", {"ratio": [0.5, 0.5]}, "2 numbers"),
    ("dct", {"r": 4}, "one has to be left"),
    ("dct", {"r": 1, "ratio": 0.5}, "give one of them"),
    ("gridpool", {"stride": 5}, "from 1 to 4"),
    ("gridpool", {"tokens": 17}, "from 1 to 16"),
]


@pytest.mark.parametrize(("method", "options", "said"), WRONG)
def test_what_it_refuses_leaves_the_network_as_it_is(method, options, said):
    model = small()
    with pytest.raises(BadOption, match=said):
        getattr(reduce, method)(model, **options)
    assert type(model.blocks[0]) is timm.models.vision_transformer.Block


@pytest.mark.parametrize("method", ["gridpool", "tokenlearner"])
def test_a_grid_that_nobody_knows_is_refused(method):
    model = small(dynamic_img_size=True, num_classes=1000)
    options = {"version": "v1"} if method == "tokenlearner" else {}
    with getattr(reduce, method)(model, **options) as reduced:
        assert reduced(torch.randn(1, 3, 96, 96)).shape == (1, 1000)
        with pytest.raises(ModelError, match="24 patches are not a square"):
            reduced(torch.randn(1, 3, 64, 96))
