"""Symbols of Visual Transformers' cost models, and what their values must meet together."""

from __future__ import annotations

import msgspec

from vtbench.data.cost.model import Rule, Symbol
from vtbench.data.cost.symbols import choice, setting, switch

L = Symbol("L", "tokens", 8, option="tokens")
CT = Symbol("CT", "channels of a token", 1024, option="token_width")
HW = Symbol("HW", "positions of the feature map", 14 * 14)
C = Symbol("C", "channels of the feature map", 512)
KQV_GROUPS = setting(
    "kqv_groups", "groups of the convolutions to keys, queries and values", 1, option="kqv_groups"
)
GROUP_WIDTH = setting("group_width", "channels in one group of the grouped convolutions", 64)
GROUPS = setting(
    "groups", "groups of the grouped convolutions; 0: by group_width", 0, low=0, option="groups"
)
HIDDEN = setting("hidden", "channels between the last two convolutions", 768)
POSITION = switch("position", "encode the position of a token", on=True, option="position")
KMEANS_ITERS = setting(
    "kmeans_iters", "assignments of pixels to clusters", 3, option="kmeans_iters"
)
READING = choice(
    "reading", "structure: fitted to the tables, or as printed",
    "fitted", "literal", option="reading",
)  # fmt: skip
HEADS = setting("heads", "heads, which matter to the literal position code", 16, option="heads")
TOKEN_WIDTH = msgspec.structs.replace(CT, role="setting")
"""C_T in whole networks, where the formula speaks of tokens and pixels."""

EVEN_TOKENS = Rule(
    ("L",), "every later block keeps half of the tokens before it, so L is even",
    lambda at: at["L"] % 2 == 0,
)  # fmt: skip
EVEN_IF_FITTED = Rule(
    ("L",), EVEN_TOKENS.sentence, lambda at: at["reading"] == "literal" or at["L"] % 2 == 0
)
NO_CODE = Rule(
    ("position",), "the fourth version prints no position code, so reading=literal has none",
    lambda at: at["reading"] == "fitted" or not at["position"],
)  # fmt: skip
HALF_WIDTH = Rule(
    ("CT", "kqv_groups"),
    "keys and queries have half the channels of a token, in equal groups, so CT is a multiple of "
    "2·kqv_groups",
    lambda at: at["CT"] % (2 * at["kqv_groups"]) == 0,
)
HALF_CHANNELS = Rule(
    ("C",), "keys and queries have half the channels of the map, so C is even",
    lambda at: at["C"] % 2 == 0,
)  # fmt: skip
WHOLE_GROUPS = Rule(
    ("group_width", "C"), "groups are equal, so C is a multiple of group_width",
    lambda at: at["C"] % at["group_width"] == 0,
)  # fmt: skip
OWN_VALUES = Rule(
    ("value", "C", "CT"), "tokens are their own values only if C = CT",
    lambda at: at["value"] == 1 or at["C"] == at["CT"],
)  # fmt: skip


def by_reading(symbol: Symbol, fitted: int, literal: int) -> Symbol:
    """The same symbol with a default for each reading."""
    return msgspec.structs.replace(
        symbol, default=lambda given: literal if given.get("reading") == "literal" else fitted
    )


def divides(name: str, channels: int) -> Rule:
    """Equal groups in a network, whose narrowest map has that many channels."""
    return Rule(
        (name,), f"groups are equal, so {name} divides {channels}",
        lambda at: at[name] == 0 or channels % at[name] == 0,
    )  # fmt: skip
