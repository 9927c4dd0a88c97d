"""``vtbench memory``: weights, the peak of a step, and how far it is from the predicted one."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence

from vtbench.cli.groups import command
from vtbench.cli.options import (
    Building,
    Device,
    Execution,
    Models,
    Output,
    OverInputs,
    Save,
)
from vtbench.cli.output import say, stdout_kept_clean, tell
from vtbench.cli.progress import progress
from vtbench.cli.table_shape import Cite, TableShape
from vtbench.cli.timing import planned
from vtbench.cli.workloads import asked, grid_of
from vtbench.cli.written import Written
from vtbench.data.measurement import Measurement
from vtbench.data.workload import Workload
from vtbench.errors import BadInput
from vtbench.measure.isolated import MEMORY, footprints
from vtbench.measure.workers import Outcome
from vtbench.report.measured import (
    MeasuredRendering,
    measured_document,
    refuse_unknown_columns,
)
from vtbench.sweep.footprints import Footprints
from vtbench.sweep.store import Store


@command
def memory(
    *,
    models: Models,
    building: Building,
    device: Device,
    execution: Execution,
    over: OverInputs,
    shaped: TableShape,
    cite: Cite = False,
    save: Save,
    output: Output,
) -> int:
    """Measure the peak memory of a step, and compare it with the predicted one.

    \b
    vtbench memory --models resnet50,deit_s --batch-size 1,8
    vtbench memory swin_t --gpu 0 --dtype bf16 --batch-size 64 --format json

    With --seeds or --inputs, the predicted memory is given over many inputs; what is measured is of
    one random input.

    Each model has a process of its own. On a GPU the peak is that of PyTorch's allocator; on a CPU
    it is that of the process, less what the process held before the model. A model that runs out
    of memory has a row too.

    Exit status: 0 if all is done; 1 if a model failed; 2 if nothing could be measured.
    """
    from vtbench.measure.machine.devices import choose, describe

    written = shaped.on_paper(output.written("memory", "measurements"))
    question = written.shown_as(MeasuredRendering, shape=shaped.shape(), cite=cite)
    inputs = over.asked()
    places = choose(device.gpu, device.device)
    if len(places) > 1:
        raise BadInput("--gpu: the memory of a step is measured on one GPU; give one number.")
    place = places[0]
    grid = grid_of(building, execution, protocols=[MEMORY.name], kind=place.kind)
    wanted = asked(models, grid)
    refuse_unknown_columns(planned(wanted.cells), question)
    with Store(save.save) as store:
        tell(store.said)
        name = describe(place.kind, place.index).name if save.save is not None else None
        book = Footprints(wanted, store, name, inputs)
        task = functools.partial(footprints, index=place.index)
        if inputs is not None:
            task = functools.partial(task, over=inputs)
        _measure(book, task, traceback=output.traceback)
    return _finish(book.records, written, question)


def _measure(
    book: Footprints,
    task: Callable[[Sequence[Workload]], Iterator[tuple[int, Outcome[Measurement]]]],
    *,
    traceback: bool,
) -> None:
    """Measure what is not known yet, and say how far it is."""
    todo = book.todo
    with stdout_kept_clean(), progress(len(todo), "measuring") as advance:
        for place, outcome in task(todo):
            advance(todo[place].model)
            book.take(place, outcome)
            if traceback and outcome.trace:
                sys.stderr.write(outcome.trace)


def _finish(found: Sequence[Measurement], written: Written, question: MeasuredRendering) -> int:
    """Write what there is, and say what failed; the exit status."""
    failed = [record for record in found if record.error is not None]
    for record in failed:
        say(str(record.error))
    if len(failed) == len(found):
        return 2
    written.write(measured_document(found, (), question))
    return 1 if failed else 0
