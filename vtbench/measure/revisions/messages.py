"""What the process that compares and the processes that run say to each other, a line each."""

from __future__ import annotations

import msgspec

from vtbench.data.bounds import Seconds
from vtbench.data.files.lines import Line, decoded
from vtbench.data.measurement import Measurement
from vtbench.data.workload import Workload
from vtbench.errors import BadInput


class Prepare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Build a workload from the files of one tree."""

    workload: Workload
    protocol: str
    """The protocol's name."""
    index: int | None
    """Which CUDA device; None on a CPU."""
    root: str
    """The root of the files."""
    origin: str
    """The root of the repository that they are from."""
    scratch: str | None = None
    """A temporary folder to remove when the other side is gone without a word."""


class Time(msgspec.Struct, frozen=True, tag=True):
    """Run so many steps."""

    steps: int


class End(msgspec.Struct, frozen=True, tag=True):
    """Nothing more is wanted."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The workload was built."""

    record: Measurement
    """All that is known of it before it is timed."""


class Taken(msgspec.Struct, frozen=True, tag=True):
    """The steps were run."""

    seconds: Seconds
    """What they took together."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The step failed."""

    error: str
    """Why, in a sentence."""


Question = Prepare | Time | End
Answer = Ready | Taken | Refused


def line_of(message: Question | Answer) -> bytes:
    """A message as a line."""
    return msgspec.json.encode(message) + b"\n"


def question_in(line: bytes) -> Question:
    """What is asked."""
    asked: Question = msgspec.json.decode(line, type=Question)
    return asked


def answer_in(line: bytes) -> Answer:
    """What is answered; a line that is no answer is one that refuses."""
    try:
        answered: Answer = decoded(Line(line.rstrip(b"\n"), "The process"), Answer, "known answer")
    except BadInput as error:
        return Refused(str(error))
    return answered
