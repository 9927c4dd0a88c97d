"""Files that were tampered with: how many are tried, and how they are made.

By default a few of each, always the same ones. ``VTBENCH_FUZZ=2000 pytest tests -k tampered``
tries so many of each, others at every run.
"""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

LONG = int(os.environ.get("VTBENCH_FUZZ", "0"))
DEEP = 5_000

EDGES = (
    "0", "-1", "1", "true", "null", '""', "[]", "{}", "1e-320", "5e-324", "1e-30", "1e-12", "1e9",
    "1e23", "1e24", "1e308", "-1e308", "1e999", "NaN", "Infinity", "-Infinity", "-0.0", "1.5",
    str(2**63), str(2**64), str(10**23), str(10**24), str(-(10**30)), "7" * 40, "7" * 5_000,
    "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, '"\\ud800"', '"\\u0000\\u202e"',
)  # fmt: skip
"""What is put in the place of a value: JSON, or what is nearly that."""


def tried(examples: int):
    """The settings of a test that is to be quick, or as long as the environment asks for."""
    return settings(
        max_examples=LONG or examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def places(value, path=()):
    """The path of everything in a JSON value; of lists, of the first two."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value[:2]):
            yield from places(each, (*path, index))


def replaced(value, path, text: str) -> str:
    """JSON with a text in the place of what stands at a path."""
    mark = "the one place that is replaced"
    if not path:
        return text
    copy = json.loads(json.dumps(value))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = mark
    return json.dumps(copy).replace(f'"{mark}"', text)


def mutated(value):
    """JSON of a value with something else in one place, or cut off, or with a byte changed."""
    whole = json.dumps(value)
    spots = [path for path in places(value) if path]
    swapped = st.builds(
        lambda path, text: replaced(value, path, text),
        st.sampled_from(spots),
        st.sampled_from(EDGES),
    )
    return st.one_of(swapped, swapped, swapped, edited(whole))


def edited(text: str):
    """A text with a few characters replaced, left out or put in."""
    change = st.tuples(
        st.integers(0, max(len(text) - 1, 0)),
        st.integers(0, 4),
        st.one_of(
            st.text(max_size=6),
            st.sampled_from(['"', "{", "[", "\\", "|", ",", "\n", "\0", "9" * 30]),
        ),
    )

    def made(changes) -> str:
        said = text
        for place, length, new in changes:
            said = said[:place] + new + said[place + length :]
        return said

    return st.lists(change, min_size=1, max_size=4).map(made)


def outcome(refusals, function, *arguments):
    """What a function gives; None if it refuses its arguments in a sentence."""
    try:
        return function(*arguments)
    except refusals as error:
        said = str(error)
    assert said.strip().endswith((".", "?")), said
    return None
