"""``vtbench memory``: weights, the peak of a step, and how far it is from the predicted one."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence

import msgspec

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
from vtbench.cli.workloads import Asked, asked, grid_of
from vtbench.cli.written import Written
from vtbench.data.distribution import InputSet
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
from vtbench.sweep.cells import Cell
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
        known = {cell: _over(store.of(cell.key, name), inputs) for cell in wanted.cells}
        task = functools.partial(footprints, index=place.index)
        if inputs is not None:
            task = functools.partial(task, over=inputs)
        found = _measured(wanted, known, task, store, traceback=output.traceback)
    return _finish(found, written, question)


def _over(record: Measurement | None, inputs: InputSet | None) -> Measurement | None:
    """A kept record if it is over the inputs that are asked for; a source may have changed."""
    if record is None or inputs is None:
        return record
    found = record.distribution
    same = found is not None and found.over == inputs and inputs.source is None
    return record if same else None


def _measured(
    wanted: Asked,
    known: dict[Cell, Measurement | None],
    task: Callable[[Sequence[Workload]], Iterator[tuple[int, Outcome[Measurement]]]],
    store: Store,
    *,
    traceback: bool,
) -> list[Measurement]:
    """A record for each workload in order, kept as soon as it is there."""
    found = {cell: record for cell, record in known.items() if record is not None}
    for cell in wanted.cells:
        error = wanted.errors.get(cell.workload.model)
        if error is not None:
            found[cell] = Measurement(workload=cell.workload, protocol=MEMORY.id, error=error)
    todo = [cell for cell in wanted.cells if cell not in found]
    with stdout_kept_clean(), progress(len(todo), "measuring") as advance:
        for place, outcome in task([cell.workload for cell in todo]):
            advance(todo[place].workload.model)
            if outcome.result is not None:
                record = msgspec.structs.replace(outcome.result, cell=todo[place].key)
                found[todo[place]] = record
                store.append(record)
            if traceback and outcome.trace:
                sys.stderr.write(outcome.trace)
    return [found[cell] for cell in wanted.cells if cell in found]


def _finish(found: Sequence[Measurement], written: Written, question: MeasuredRendering) -> int:
    """Write what there is, and say what failed; the exit status."""
    failed = [record for record in found if record.error is not None]
    for record in failed:
        say(str(record.error))
    if len(failed) == len(found):
        return 2
    written.write(measured_document(found, (), question))
    return 1 if failed else 0
