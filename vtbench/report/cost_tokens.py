"""Cost models of fewer tokens as tables: the tokens of every block, and what no term says."""

from __future__ import annotations

from typing import Any

import msgspec

from vtbench.data.cost.closed import Costed
from vtbench.data.cost.interpolated import InLetters
from vtbench.data.cost.reduced import Reduced
from vtbench.data.polynomial import spelled
from vtbench.report.table import Column, Table
from vtbench.report.units import ABSENT, digits, percent, plural


def block_table(cost: Costed) -> Table | None:
    """The tokens at five places of every block; None if a cost model has no such blocks."""
    found = cost.reduced
    if found is None:
        return None
    return Table(
        title="Tokens by block",
        columns=(
            Column(head="block"),
            Column(head="queries"),
            Column(head="keys", drop=2),
            Column(head="values"),
            Column(head="attended", drop=1),
            Column(head="MLP"),
            Column(head="left"),
            Column(head="MACs"),
            Column(head="added"),
        ),
        rows=tuple(
            (
                *map(str, (at.block, at.queries, at.keys, at.values, at.attended, at.mlp, at.left)),
                digits(at.macs),
                digits(at.added) if at.added else ABSENT,
            )
            for at in found.blocks
        ),
        conditions=(
            "Class and register tokens are among them; attended: those that leave attention",
        ),
        notes=("added: MACs of the method, which are among those of the block.",)
        if any(at.added for at in found.blocks)
        else (),
    )


def remarks(cost: Costed, closed: InLetters | None) -> tuple[str, ...]:
    """What a reader must know beside the terms, in sentences."""
    found = cost.reduced
    if found is None:
        return ()
    left = f"The last block leaves {found.left} of {plural(found.patches, 'patch token')}."
    of_it = f"{percent(cost.total, found.dense)} of the {digits(found.dense)} of the host alone"
    said = [f"{left} The MACs are {of_it}."]
    if found.bound:
        said.append("The cost depends on the image; these are the most MACs that one can take.")
    if found.distances:
        said.append(
            f"Pairwise distances take {digits(found.distances)} MACs more, which are not in the "
            "total: many counters take them for nothing."
        )
    if found.parameters is None:
        said.append("How many parameters the method adds is not settled by what was published.")
    elif found.parameters:
        said.append(f"The method adds {digits(found.parameters)} parameters.")
    if closed is not None and not closed.pieces:
        said.append(closed.where)
    return tuple(said)


def in_letters(cost: Costed) -> InLetters | None:
    """The cost in letters that count tokens; None if its sizes are the letters."""
    closed = cost.model.in_letters
    return None if closed is None else closed(cost.values)


def letters_object(found: InLetters) -> dict[str, Any]:
    """A closed form in counts of tokens for programs, or why there is none."""
    return {
        "where": found.where,
        "forms": [
            {"when": piece.when or None, "formula": spelled(piece.form.parts).replace("^", "**")}
            for piece in found.pieces
        ],
    }


def reduced_object(found: Reduced) -> dict[str, Any]:
    """The same for programs."""
    return dict(msgspec.to_builtins(found))
