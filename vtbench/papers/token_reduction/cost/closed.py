"""The cost of a method in letters that count tokens, where its rule is a polynomial in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from vtbench.data.cost.interpolated import InLetters, Piece, along, between
from vtbench.data.cost.model import Values
from vtbench.data.cost.values import text_of
from vtbench.errors import BadOption
from vtbench.reduce.schedules import Body, schedule
from vtbench.reduce.schedules.counts import stages

Settings = dict[str, Any]

COUNTED = {
    **dict.fromkeys(("tome", "dtem", "gtp", "mctf", "ppt", "cropr"), "r"),
    "ltmp": "r",
    "tokenlearner": "learned",
    "stvit": "semantic",
    "fpet": "r_layer",
}
"""Method -> the setting that is a whole number and of which its cost is a polynomial."""
STAGED = (
    "evit", "topk", "random", "dynamicvit", "dtps", "atc", "dpcknn", "kmedoids", "sinkhorn",
    "patchmerger", "sit", "ats",
)  # fmt: skip
"""Methods whose cost is a polynomial of the patches that their stages keep."""
_MOST_STAGES = 4
_FEWEST_PATCHES = 20
_STAIRCASE = "is rounded to whole tokens at every block, so there is no closed form in it."
_WHY_NOT = {
    **dict.fromkeys(("tofu", "pitome", "dct"), f"ratio {_STAIRCASE}"),
    "tomesd": "ratio is rounded to whole patches, so there is no closed form in it.",
    "evovit": "keep_rate is rounded to whole patches, so there is no closed form in it.",
    "diffrate": "Tokens were learned block by block, so there is no closed form of them.",
    "sparsifiner": "keep_rate is a share of products, rounded down; there is no closed form in it.",
    "gridpool": "Sides of the grid are divided and rounded, so there is no closed form in stride.",
    "avit": "Tokens are masked and stay, so there is nothing to write a closed form in.",
}


def closed_form(method: str, body: Body, at: Settings) -> InLetters:
    """MACs in the setting that counts tokens, or in the patches that each stage keeps."""
    if method == "dct" and at["r"] is not None:
        return _counted(method, body, at, "r")
    if method in COUNTED and at.get("keep_rate") is None:
        return _counted(method, body, at, COUNTED[method])
    if (method in STAGED or method in COUNTED) and at.get("merged") is None:
        return _staged(method, body, at)
    return InLetters(where=_WHY_NOT.get(method, "This form has no setting to write it in."))


def _counted(method: str, body: Body, at: Settings, letter: str) -> InLetters:
    value = at[letter]
    if not isinstance(value, int):
        return InLetters(where=_not_counted(letter, value))
    first = _first(method, letter)
    costs: list[int] = []
    for each in range(first, body.patches + 1):
        cost = _cost(method, body, {**at, letter: each})
        if cost is None:
            break
        costs.append(cost)
    found = along(letter, first, costs)
    if found is None:
        return InLetters(where=f"No polynomial of {letter} holds over enough of its values.")
    last = found.last
    beyond = "" if last == first + len(costs) - 1 else "; above that, a block meets its limit"
    words = ("",) if len(found.forms) == 1 else (f"{letter} even", f"{letter} odd")
    return InLetters(
        where=f"{letter} from {first} to {last}{beyond}",
        pieces=tuple(
            Piece(when=when, form=form) for when, form in zip(words, found.forms, strict=True)
        ),
    )


def _first(method: str, letter: str) -> int:
    """The first value of the rule: where nothing goes, nothing is matched either."""
    return 0 if letter in ("block", "r_layer") or method in ("gtp", "cropr") else 1


def _not_counted(letter: str, value: Any) -> str:
    if value is None:
        return f"Thresholds decide for each image; fixed=true has a closed form in {letter}."
    if isinstance(value, Fraction):
        return f"{letter} is a share here, rounded at each cut, so there is no closed form in it."
    return f"{letter} is a list; as one whole number, it has a closed form."


def _cost(method: str, body: Body, settings: Settings) -> int | None:
    try:
        return schedule(method, body, **settings).macs
    except BadOption:
        return None


def _staged(method: str, body: Body, at: Settings) -> InLetters:
    """Letters k1, k2, ... for the patches that the stages keep."""
    blocks = stages(body, at.get("blocks"))
    many = len(blocks)
    if not 0 < many <= _MOST_STAGES or body.patches < _FEWEST_PATCHES:
        return InLetters(where="A closed form is shown for 1 to 4 stages and 20 patches or more.")
    names = [f"k{stage}" for stage in range(1, many + 1)]
    # stages keep fewer and fewer, in bands that do not touch
    bands = [body.patches * (many + 1 - stage) // (many + 2) for stage in range(many)]
    sizes = {name: [band, band + 1, band + 2] for name, band in zip(names, bands, strict=True)}
    held = [{name: band - step for name, band in zip(names, bands, strict=True)} for step in (1, 2)]
    form = between(sizes, held, _kept_cost(method, body, at))
    if form is None:
        return InLetters(where="The cost is not a polynomial of the patches that are kept.")
    now = [cut - body.prefix for cut in _after_cuts(method, body, at, blocks)]
    where = (
        f"{', '.join(names)}: patches kept at {_listed('block', blocks)}, fewer each time; here "
        f"{_listed('', now)}"
    )
    return InLetters(where=where, pieces=(Piece(when="", form=form),))


def _after_cuts(method: str, body: Body, at: Settings, blocks: tuple[int, ...]) -> tuple[int, ...]:
    """Tokens that each stage leaves, without the fused one that it may add."""
    tokens = schedule(method, body, **at).tokens
    return tuple(tokens[block] - int(bool(at.get("fused_token"))) for block in blocks)


def _kept_cost(method: str, body: Body, at: Settings) -> Callable[[Mapping[str, int]], int]:
    """MACs by the patches that each stage keeps."""
    fused = int(bool(at.get("fused_token")))
    of_present = at.get("rounding") == "ceil_current"

    def cost(kept: Mapping[str, int]) -> int:
        rates: list[Fraction] = []
        present = body.patches
        wanted = Fraction(present)  # with the half a patch that the stage before had more
        for count in kept.values():
            # half a patch away from where the rule rounds, so that it rounds to this count
            if of_present:
                rates.append(Fraction(2 * count - 1, 2 * present))
            else:
                rates.append(Fraction(2 * count + 1, 2) / wanted)
            present, wanted = count + fused, Fraction(2 * count + 1, 2)
        return schedule(method, body, **{**at, "keep_rate": tuple(rates)}).macs

    return cost


def _listed(noun: str, values: tuple[int, ...] | list[int]) -> str:
    words = [text_of(value) for value in values]
    if len(words) == 1:
        return f"{noun} {words[0]}".strip()
    return f"{noun}{'s' if noun else ''} {', '.join(words[:-1])} and {words[-1]}".strip()


def settings_of(at: Values, image: tuple[str, ...]) -> Settings:
    """The settings among the values of a cost model."""
    return {name: value for name, value in at.items() if name not in image}
