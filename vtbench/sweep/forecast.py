"""What is said of the time of a sweep: beforehand, after its first round, and at the end."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.report.units import plural, spoken
from vtbench.sweep.cells import Cell
from vtbench.sweep.deadline import slack_of
from vtbench.sweep.estimate import Estimate
from vtbench.sweep.queue import Queue


def beforehand(
    todo: Sequence[Cell], estimate: Estimate, places: int, within: float | None
) -> list[str]:
    """How many launches there are to do, how long they may take, and what is promised of it."""
    launches = [cell for cell in todo if cell.turn is not None]
    if not launches:
        return []
    cells = len({cell.key for cell in launches})
    rounds = len({cell.turn.round for cell in launches if cell.turn is not None})
    seconds = spoken(estimate.total(todo, places))
    known = all(estimate.known(cell) for cell in launches)
    how, why = (
        ("about", "as long as launches like them took")
        if known
        else ("estimated at up to", "by the limits on warm-up and samples")
    )
    of = f"{plural(cells, 'cell')}, {plural(rounds, 'round')}"
    number = plural(len(launches), "launch", "launches")
    said = [f"{number} to do ({of}): {how} {seconds}, {why}."]
    if within is not None:
        said.append(
            f"The sweep ends within {spoken(within)}: nothing begins that is not expected to end "
            f"in time, and what takes longer is stopped after {spoken(slack_of(within))} more."
        )
    return said


def after_a_round(queue: Queue, done: Cell) -> str | None:
    """Once the first round of a run is over: what the others take, and how many there is time for.

    None if a round is still going on, or was the last.
    """
    left = queue.waiting
    rounds = sorted({cell.turn.round for cell in [*queue.in_hand, *left] if cell.turn is not None})
    if done.turn is None or not left or not rounds or rounds[0] <= done.turn.round:
        return None
    seconds = queue.pace.together(left)
    if seconds is None:
        return None
    each = seconds / len(rounds)
    said = (
        f"Round {done.turn.round} is done; the other {len(rounds)} take about {spoken(seconds)}."
        if len(rounds) > 1
        else f"Round {done.turn.round} is done; the last one takes about {spoken(seconds)}."
    )
    fitting = int(min(len(rounds), queue.deadline.left / each))
    if fitting < len(rounds):
        number = str(fitting) if fitting else "None"
        said += f" {number} of them {'fits' if fitting == 1 else 'fit'} into the time that is left."
    return said


def at_the_end(queue: Queue) -> str | None:
    """What there was no time for."""
    if not queue.late:
        return None
    launches = sum(cell.turn is not None for cell in queue.late)
    others = len(queue.late) - launches
    parts = [plural(launches, "launch", "launches")] if launches else []
    parts += [plural(others, "cell")] if others else []
    were = "was" if len(queue.late) == 1 else "were"
    again = "" if queue.store.path is None else " The same command goes on with them."
    return f"--within left no time for {' and '.join(parts)}, which {were} not measured.{again}"
