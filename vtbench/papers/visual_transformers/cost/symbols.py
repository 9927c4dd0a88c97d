"""Symbols of Visual Transformers' cost models, and what their values must meet together."""

from __future__ import annotations

import msgspec

from vtbench.data.cost.model import Rule, Symbol
from vtbench.data.cost.symbols import setting, size, switch

L = size("L", "tokens", 8, option="tokens")
CT = size("CT", "channels of a token", 1024, option="token_width")
HW = size("HW", "positions of the feature map", 14 * 14)
C = size("C", "channels of the feature map", 512)
KQV_GROUPS = setting(
    "kqv_groups", "groups of the convolutions to keys, queries and values", 1, option="kqv_groups"
)
GROUP_WIDTH = setting("group_width", "channels in one group of the grouped convolutions", 64)
GROUPS = Symbol(
    name="groups",
    meaning="groups of the grouped convolutions; 0: by group_width",
    default=0,
    role="setting",
    low=0,
    option="groups",
)
HIDDEN = setting("hidden", "channels between the last two convolutions", 768)
POSITION = switch("position", "encode the position of a token", on=True, option="position")
TOKEN_WIDTH = msgspec.structs.replace(CT, role="setting")
"""C_T in whole networks, where the formula speaks of tokens and pixels."""

EVEN_TOKENS = Rule(
    symbols=("L",),
    sentence="every later block keeps half of the tokens before it, so L is even",
    holds=lambda at: at["L"] % 2 == 0,
)
HALF_WIDTH = Rule(
    symbols=("CT", "kqv_groups"),
    sentence="keys and queries have half the channels of a token, in equal groups, so CT is a "
    "multiple of 2·kqv_groups",
    holds=lambda at: at["CT"] % (2 * at["kqv_groups"]) == 0,
)
HALF_CHANNELS = Rule(
    symbols=("C",),
    sentence="keys and queries have half the channels of the map, so C is even",
    holds=lambda at: at["C"] % 2 == 0,
)
WHOLE_GROUPS = Rule(
    symbols=("group_width", "C"),
    sentence="groups are equal, so C is a multiple of group_width",
    holds=lambda at: at["C"] % at["group_width"] == 0,
)


def divides(name: str, channels: int) -> Rule:
    """The same for a network, whose narrowest map has that many channels."""
    return Rule(
        symbols=(name,),
        sentence=f"groups are equal, so {name} divides {channels}",
        holds=lambda at: at[name] == 0 or channels % at[name] == 0,
    )
