"""The settings of every method as symbols of a cost model."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from vtbench.data.cost.model import Symbol
from vtbench.data.cost.symbols import amounts, choice, listed, rate, setting, switch
from vtbench.reduce.schedules import HOSTS
from vtbench.reduce.schedules.kept_counts import targets

Symbols = tuple[Symbol, ...]

_TRAININGS = {"deit_b": ("deit", "mae"), "vit_b": ("deit", "mae")}
"""Hosts of one size for which lists were released twice, with whose are taken first."""


def symbols_of(method: str, host: str) -> Symbols:
    """The settings of a method on a host."""
    return (*_stem(host), *_OF[method](host))


def _stem(host: str) -> Symbols:
    stem = choice("stem", "as LV-ViT was released, or halving four times", "released", "halving")
    return (stem,) if host.startswith("lvvit") else ()


def _depth(host: str) -> int:
    return HOSTS[host].depth


def _blocks(host: str, where: str = "blocks that cut") -> Symbol:
    thirds = tuple(_depth(host) * part // 4 for part in (1, 2, 3))
    return listed("blocks", f"{where}, counted from 0", thirds, option="blocks")


def _kept(meaning: str, default: str = "0.7") -> Symbol:
    return rate("keep_rate", meaning, Fraction(default), several="too", option="keep_rate")


def _staged(host: str) -> Symbols:
    return (_kept("share of what comes in, kept at each stage"), _blocks(host))


def _evit(host: str) -> Symbols:
    return (
        _kept("share of what comes in, kept at each stage"),
        switch("fused_token", "one token for those that go", on=True, option="fused_token"),
        choice(
            "rounding",
            "of what is present, or of the image",
            "ceil_current",
            "int_original",
            option="rounding",
        ),
        _blocks(host),
    )


def _ats(host: str) -> Symbols:
    return (
        *_staged(host),
        choice("sampler", "how rows of the map are chosen", "inverse", "distances"),
    )


def _topk(host: str) -> Symbols:
    keep, blocks = _staged(host)
    return (
        keep,
        choice(
            "rounding",
            "of the image, or of what is present",
            "int_original",
            "ceil_current",
            option="rounding",
        ),
        blocks,
    )


def _r(default: int, what: str = "tokens that go at each block, or [r,inflection]") -> Symbol:
    return amounts("r", what, default, option="r")


def _dtem(host: str) -> Symbols:
    shape = HOSTS[host]
    dim = shape.width // shape.heads * (1 if shape.width < 1024 else 2)  # noqa: PLR2004
    return (
        _r(12),
        setting("feature_dim", "channels of the embedding", dim, option="feature_dim"),
    )


def _mctf(_: str) -> Symbols:
    return (
        _r(16, "tokens that go at each block but the first, or a share"),
        listed("blocks", "blocks that cut (default: by r)", None, option="blocks"),
    )


def _ratio(default: str, meaning: str) -> Symbol:
    return rate("ratio", meaning, Fraction(default), several="too", option="ratio")


def _diffrate(host: str) -> Symbols:
    body = HOSTS[host].body()
    trained = _TRAININGS.get(host)
    names = targets(body, trained[0] if trained else None)
    every = dict.fromkeys((*names, *targets(body)))
    return (
        *(
            (choice("schedule", "released lists, by target in G", *every,
                    default=names[len(names) // 2], option="schedule"),)
            if names else ()
        ),
        *((choice("trained", "the host of the lists", *trained),) if trained else ()),
        listed("prune", "tokens that pruning leaves in each block", None, option="prune"),
        listed("merge", "tokens that merging leaves in each block", None, option="merge"),
        switch("merging", "count the similarities of merging", on=True),
    )  # fmt: skip


def _gtp(_: str) -> Symbols:
    return (
        _r(8),
        choice(
            "graph", "what patches are joined by", "mixed", "semantic", "spatial", option="graph"
        ),
        switch("token_scale", "tokens carry a scale", on=False, option="token_scale"),
    )


def _patchmerger(_: str) -> Symbols:
    return (
        _kept("share of what comes in, kept at each stage"),
        listed("blocks", "blocks that cut (default: by form)", None, option="blocks"),
        Symbol("merged", "tokens of the paper's form, which cuts once", None, role="setting",
               optional=True, option="merged"),
    )  # fmt: skip


def _tokenlearner(host: str) -> Symbols:
    return (
        setting("learned", "learned tokens", 8, option="learned"),
        setting("block", "block before which they are made", _depth(host) // 2, low=0,
                option="block"),
        choice("version", "how their maps are made", "v1.1", "v1", option="version"),
    )  # fmt: skip


def _stvit(host: str) -> Symbols:
    return (
        setting("semantic", "semantic tokens", 16, option="semantic"),
        setting("base_layers", "plain blocks before them", _depth(host) // 3, low=0,
                option="base_layers"),
        setting("stgm_layers", "blocks that make them", 2, option="stgm_layers"),
    )  # fmt: skip


def _evovit(host: str) -> Symbols:
    third = _depth(host) // 3
    return (
        _kept("patches that are computed in each stage", "0.5"),
        listed("blocks", "blocks before which they are chosen", (third, 2 * third),
               option="blocks"),
    )  # fmt: skip


def _ppt(host: str) -> Symbols:
    return (
        _r(50, "patches that go at each stage, or one for each"),
        choice("mode", "what every stage does", "merged", "pruned", option="mode"),
        _blocks(host),
    )


def _fpet(host: str) -> Symbols:
    return (
        setting("r_layer", "block that halves the patches", _depth(host) // 2, low=0,
                option="r_layer"),
        setting("hidden", "hidden channels of the adapter of keys", 32, option="hidden"),
    )  # fmt: skip


def _ltmp(_: str) -> Symbols:
    return (
        switch(
            "fixed", "prune r tokens at each block, without thresholds", on=False, option="fixed"
        ),
        amounts("r", "tokens pruned at each block if fixed (default: 8)", None, option="r"),
        listed("tokens_left", "tokens that were left after each cut", None),
    )


def _sparsifiner(_: str) -> Symbols:
    return (
        rate("keep_rate", "share of the map that is formed", Fraction(1, 4), option="keep_rate"),
        setting("reduce_n", "tokens over those of the basis", 6, option="reduce_n"),
        setting("reduce_c", "channels of a head over the predictor's", 2, option="reduce_c"),
        setting("top", "entries of the basis for a query", 8, option="top"),
        rate("basis_density", "assumed share of the basis that is not 0", Fraction(1, 4)),
    )


def _cropr(_: str) -> Symbols:
    return (
        _r(8, "tokens that go after each block, or one for each"),
        switch("llf", "fuse all tokens again in the last block", on=False, option="llf"),
        setting("queries", "learned queries of a scorer", 1, option="queries"),
        switch(
            "query_projection", "queries have a projection", on=False, option="query_projection"
        ),
        switch("key_projection", "keys have a projection", on=False, option="key_projection"),
        rate(
            "keep_rate",
            "share kept before each of some blocks, without r",
            None,
            several="too",
            option="keep_rate",
        ),
        listed("blocks", "these blocks, with keep_rate (default: 3 stages)", None, option="blocks"),
    )


def _tomesd(_: str) -> Symbols:
    return (
        rate("ratio", "patches merged around each block", Fraction(1, 2), option="ratio"),
        switch("merge_mlp", "the MLP is on merged tokens too", on=False, option="merge_mlp"),
        setting("sy", "rows of a cell of patches with one target", 2, option="sy"),
        setting("sx", "columns of such a cell", 2, option="sx"),
    )


def _dct(_: str) -> Symbols:
    return (
        rate(
            "ratio",
            "patches kept by each block (default: 0.9)",
            None,
            several="too",
            option="ratio",
        ),
        amounts("r", "patches that go at each block instead", None, option="r"),
    )


def _gridpool(host: str) -> Symbols:
    return (
        setting("stride", "side of the squares that are averaged", 2, option="stride"),
        listed("blocks", "blocks that cut, counted from 0", (_depth(host) // 2,),
               option="blocks"),
    )  # fmt: skip


_OF: dict[str, Callable[[str], Symbols]] = {
    "evit": _evit,
    "topk": _topk,
    "random": _topk,
    "tome": lambda _: (_r(13),),
    "tofu": lambda _: (_ratio("0.9", "tokens kept in each block"),),
    "pitome": lambda _: (_ratio("0.9", "patches kept in each block"),),
    "dtem": _dtem,
    "mctf": _mctf,
    "diffrate": _diffrate,
    "gtp": _gtp,
    **dict.fromkeys(
        ("dynamicvit", "dtps", "atc", "dpcknn", "kmedoids", "sinkhorn", "sit"), _staged
    ),
    "ats": _ats,
    "patchmerger": _patchmerger,
    "tokenlearner": _tokenlearner,
    "stvit": _stvit,
    "evovit": _evovit,
    "ppt": _ppt,
    "fpet": _fpet,
    "ltmp": _ltmp,
    "avit": lambda _: (),
    "sparsifiner": _sparsifiner,
    "cropr": _cropr,
    "tomesd": _tomesd,
    "dct": _dct,
    "gridpool": _gridpool,
}  # fmt: skip
"""Method -> its settings on a host."""

COSTLESS: dict[str, tuple[str, ...]] = {
    "tome": ("proportional",),
    "pitome": ("proportional",),
    "tofu": ("mlerp",),
    "gtp": ("alpha", "sparsity"),
    "ltmp": ("theta_m", "theta_p"),
    "atc": ("linkage", "proportional"),
    "dpcknn": ("k", "noise"),
    "kmedoids": ("cost", "iterations"),
    "sinkhorn": ("iterations",),
    "patchmerger": ("scaled",),
    "tomesd": ("seed",),
}
"""Method -> options that say which tokens go, or how they are merged, and change no cost."""
