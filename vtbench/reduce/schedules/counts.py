"""How many tokens a rule keeps: the arithmetic that methods share.

A rate is exact as it was typed. Where a released rule multiplies it in floating point and cuts the
result to a whole number, so does this: 400 patches at 0.7² are 195 in every such program, not 196.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from operator import mul

from vtbench.errors import BadOption
from vtbench.reduce.schedules.body import Body

Rate = Fraction | float | int
Rates = Rate | Sequence[Rate]
PerBlock = Rate | Sequence[Rate]
Blocks = Sequence[int] | None

_SLOPE = 2


def stages(body: Body, blocks: Blocks) -> tuple[int, ...]:
    """The blocks at which a method cuts; a quarter, half and three quarters of the depth."""
    if blocks is None:
        return tuple(body.depth * part // 4 for part in (1, 2, 3))
    found = tuple(blocks)
    if list(found) != sorted(set(found)) or not all(0 <= each < body.depth for each in found):
        raise BadOption(
            f"blocks={_listed(found)}: expected rising numbers from 0 to {body.depth - 1}."
        )
    return found


def powers(keep_rate: Rates, count: int) -> tuple[float, ...]:
    """What is left of the image after each stage, which keeps a share of what comes in.

    One rate is raised to the power of the stage; of several, those so far are multiplied.
    """
    if isinstance(keep_rate, Sequence):
        return tuple(accumulate(several(keep_rate, count), mul))
    (rate,) = several((keep_rate,), 1)
    return tuple(rate**stage for stage in range(1, count + 1))


def alike(keep_rate: Rates, count: int) -> tuple[float, ...]:
    """What each stage keeps of what comes in: one rate everywhere, or one for each."""
    if isinstance(keep_rate, Sequence):
        return several(keep_rate, count)
    return several((keep_rate,), 1) * count


def several(rates: Sequence[Rate], count: int) -> tuple[float, ...]:
    """As many rates as there are stages, each above 0 and at most 1."""
    if len(rates) != count:
        raise BadOption(
            f"keep_rate={_listed(rates)} has {len(rates)} rates, and there are {count} stages."
        )
    found = tuple(map(float, rates))
    for rate in found:
        if not 0 < rate <= 1:
            raise BadOption(f"keep_rate: expected rates above 0 up to 1, got {rate:g}.")
    return found


def kept(body: Body, keep_rate: Rates, blocks: Blocks) -> dict[int, int]:
    """Block -> patches kept there: what is left of the image as a whole number, at least one."""
    at = stages(body, blocks)
    rates = powers(keep_rate, len(at))
    return {block: max(1, int(body.patches * rate)) for block, rate in zip(at, rates, strict=True)}


def share(body: Body, ratio: Rates) -> tuple[float, ...]:
    """A ratio for every block."""
    found = tuple(ratio) if isinstance(ratio, Sequence) else (ratio,) * body.depth
    if len(found) != body.depth or not all(0 < float(each) <= 1 for each in found):
        raise BadOption(
            f"ratio: expected one ratio above 0 up to 1, or {body.depth} of them, one for each "
            f"block, got {_typed(ratio)}."
        )
    return tuple(map(float, found))


def removed(body: Body, r: PerBlock, name: str = "r") -> tuple[int, ...]:
    """Tokens that go at every block: one number, one for each, or a slope (mean, inflection)."""
    if not isinstance(r, Sequence):
        found: Sequence[Rate] = (r,) * body.depth
    elif len(r) == _SLOPE != body.depth:
        found = _sloped(float(r[0]), float(r[1]), body.depth)
    else:
        found = r
    if len(found) != body.depth:
        raise BadOption(
            f"{name}={_listed(found)} has {len(found)} numbers, and there are {body.depth} blocks."
        )
    if not all(float(each) >= 0 and int(each) == each for each in found):
        raise BadOption(f"{name}: expected whole numbers from 0, got {_typed(r)}.")
    return tuple(int(each) for each in found)


def each_stage(r: PerBlock, count: int) -> tuple[int, ...]:
    """Tokens that go at every stage: one number, or one for each."""
    found = tuple(r) if isinstance(r, Sequence) else (r,) * count
    if len(found) != count:
        raise BadOption(f"r={_listed(found)} has {len(found)} numbers for {count} stages.")
    if not all(float(each) >= 0 and int(each) == each for each in found):
        raise BadOption(f"r: expected whole numbers from 0, got {_typed(r)}.")
    return tuple(int(each) for each in found)


def _sloped(mean: float, inflection: float, depth: int) -> tuple[int, ...]:
    """From r·(1 - inflection), cut to a whole number, so far below or above 2·r, evenly."""
    if not -1 <= inflection <= 1:
        raise BadOption(f"r: expected an inflection from -1 to 1, got {inflection:g}.")
    first = int(mean * (1 - inflection))
    step = (2 * mean - 2 * first) / (depth - 1)
    return tuple(int(first + step * block) for block in range(depth))


def steps_between(body: Body, keep_rate: Rates, blocks: Blocks) -> tuple[int, ...]:
    """What goes at every block so that the patches kept at the stages would be left."""
    gone, before = [0] * body.depth, body.patches
    for block, after in kept(body, keep_rate, blocks).items():
        gone[block] = max(0, before - after)
        before = min(before, after)
    return tuple(gone)


def halved(r: int, tokens: int, prefix: int) -> int:
    """What a matching in two halves can merge at most: half of the patches."""
    return max(0, min(r, (tokens - prefix) // 2))


def pairs(tokens: int) -> int:
    """Similarities between one half of the tokens and the other."""
    return (tokens // 2) * ((tokens + 1) // 2)


def _typed(value: PerBlock) -> str:
    return _listed(value) if isinstance(value, Sequence) else f"{float(value):g}"


def _listed(values: Sequence[Rate]) -> str:
    return f"[{','.join(f'{float(each):g}' for each in values)}]"
