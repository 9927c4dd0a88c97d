"""A process that runs one revision's code: told to build, then to run steps, then to end.

It is started in the revision's own folder, and what it imports has to come from there: an
installed copy of the package that is compared would be the same code twice.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from vtbench.data.measurement import Measurement
from vtbench.data.model_names import is_file, place_and_path
from vtbench.data.protocol import protocol_named
from vtbench.errors import ModelError, VtbenchError
from vtbench.measure.revisions.messages import (
    Answer,
    End,
    Prepare,
    Question,
    Ready,
    Refused,
    Taken,
    Time,
    line_of,
    question_in,
)


def main() -> None:
    """The whole life of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that compares decides when to end
    asked = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a model prints must not reach the answers
    prepare = next(_questions(asked), None)
    if not isinstance(prepare, Prepare):
        return
    ended = False
    try:
        ended = _serve(prepare, asked, answers)
    finally:
        if not ended and prepare.scratch is not None:  # nobody else is left to remove it
            shutil.rmtree(prepare.scratch, ignore_errors=True)


def _questions(asked: IO[bytes]) -> Iterator[Question]:
    for line in asked:
        yield question_in(line)


def _say(answers: IO[bytes], answer: Answer) -> None:
    answers.write(line_of(answer))
    answers.flush()


def _serve(prepare: Prepare, asked: IO[bytes], answers: IO[bytes]) -> bool:
    """Build, then run steps as often as asked; whether the other side said that it is over."""
    import torch

    from vtbench.count.isolation import seeded_and_restored
    from vtbench.measure.clocks import clock_of
    from vtbench.measure.machine.devices import made_current
    from vtbench.measure.memory.out_of_memory import out_of_memory
    from vtbench.measure.session.participants import participant_of, sentence, torch_device
    from vtbench.measure.session.torch_settings import torch_set_for

    sys.path[:] = turned(sys.path, Path(prepare.origin), Path(prepare.root))
    protocol = protocol_named(prepare.protocol)
    with ExitStack() as lent:
        try:
            common = _common(prepare)
            lent.enter_context(made_current(common.device))
            lent.enter_context(seeded_and_restored())
            lent.enter_context(torch_set_for(prepare.workload))
            subject = participant_of(prepare.workload, protocol, common)
            check_origin(prepare)
        except VtbenchError as error:
            _say(answers, Refused(str(error)))
            return _over(asked)
        if subject.prepared is None:
            _say(answers, Refused(subject.record.error or "It could not be built."))
            return _over(asked)
        clock = clock_of(protocol, torch_device(common.device))
        _say(answers, Ready(subject.record))
        for question in _questions(asked):
            if isinstance(question, End):
                return True
            if isinstance(question, Time):
                try:
                    _say(answers, Taken(clock.seconds(subject.prepared.step, question.steps)))
                except Exception as error:  # noqa: BLE001 - a foreign model raises anything
                    _say(answers, Refused(sentence(prepare.workload, error)))
                    if out_of_memory(error) and prepare.workload.device == "cuda":
                        torch.cuda.empty_cache()
    return False


def _over(asked: IO[bytes]) -> bool:
    """Wait for the last word."""
    return any(isinstance(question, End) for question in _questions(asked))


def _common(prepare: Prepare) -> Measurement:
    from vtbench.measure.machine.devices import describe
    from vtbench.measure.machine.environment import environment

    return Measurement(
        workload=prepare.workload,
        protocol=protocol_named(prepare.protocol).id,
        device=describe(prepare.workload.device, prepare.index),
        environment=environment(),
        isolated=True,
    )


def turned(paths: list[str], origin: Path, root: Path) -> list[str]:
    """Where modules are looked for, with every folder of the repository replaced by the tree's.

    So what an editable installation or PYTHONPATH adds of the working tree is the revision's too.
    Folders that the tree does not have, such as an environment within the repository, stay.
    """
    return [_turned(path, origin, root) for path in paths]


def _turned(path: str, origin: Path, root: Path) -> str:
    place = Path(path).resolve()
    if not path or not place.is_relative_to(origin) or place.is_relative_to(root):
        return path
    counterpart = root / place.relative_to(origin)
    return str(counterpart) if counterpart.is_dir() else path


def check_origin(prepare: Prepare) -> None:
    """Every module of the repository that was imported must be the tree's."""
    root, origin = Path(prepare.root), Path(prepare.origin)
    name, _ = place_and_path(prepare.workload.model)
    named = Path(name).resolve() if is_file(name) else _file_of(name)
    if named is not None and not named.is_relative_to(root):
        raise ModelError(_elsewhere(name, named, root))
    for module in list(sys.modules):
        file = _file_of(module)
        if file is None or file.is_relative_to(root) or not file.is_relative_to(origin):
            continue
        ours = module.partition(".")[0] == "vtbench"  # it measures, and is not measured
        if not ours and (root / file.relative_to(origin)).exists():
            raise ModelError(_elsewhere(module, file, root))


def _file_of(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None


def _elsewhere(module: str, file: Path, root: Path) -> str:
    return (
        f"The module {module} was imported from {file}, which is not of this revision ({root}); "
        "start vtbench in the folder that holds the package, or set PYTHONPATH to that folder."
    )
