"""Files of measurements: JSON Lines, one record a line, under the workload that was run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from vtbench.data.measurement import SCHEMA, Measurement
from vtbench.errors import BadInput


class _Schema(msgspec.Struct):
    """The one field that says whether the rest can be read."""

    schema: str = SCHEMA


def line_of(record: Measurement) -> str:
    """One measurement as a line, with its line break; what is default is left out.

    The schema never is: a later vtbench has another default.
    """
    line = {"schema": record.schema, **msgspec.to_builtins(record)}
    return msgspec.json.encode(line).decode() + "\n"


def read_measurements(path: Path) -> list[Measurement]:
    """The measurements of a file in order; a newer schema, or a line that is none, is refused."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"The measurements {path} cannot be read: it is not text.") from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"The measurements {path} cannot be read: {reason}.") from error
    return list(measurements_in(text, str(path)))


def measurements_in(text: str, where: str) -> Iterable[Measurement]:
    """The measurements of a text, a line each; ``where`` names it in what goes wrong."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield measurement_of(line, f"{where}:{number}")


def measurement_of(line: str, where: str) -> Measurement:
    """The measurement of one line; ``where`` is the file and the line's number."""
    try:
        schema = msgspec.json.decode(line, type=_Schema).schema
        if schema == SCHEMA:
            return msgspec.json.decode(line, type=Measurement)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BadInput(f"{where}: this is no measurement: {error}.") from error
    raise BadInput(
        f"{where}: written as {schema}, and this vtbench reads {SCHEMA}; "
        "use the version of vtbench that wrote it, or measure again."
    )
