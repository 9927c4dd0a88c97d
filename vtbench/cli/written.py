"""Where a document goes and how it is to look, decided before any work is done for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vtbench.cli.output import check_writable, page_width, wants_color, write_document
from vtbench.errors import BadOption
from vtbench.report.document import DocumentKind, Format, Rendering, refuse_format

SUFFIXES: dict[str, Format] = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".tex": "latex",
    ".xml": "junit",
    ".txt": "table",
    "": "table",
}
"""The format that an output file's name stands for."""


Shape = TypeVar("Shape", bound=Rendering)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document goes, and how it is to look."""

    path: Path | None
    """None is standard output."""
    rendering: Rendering

    @classmethod
    def checked(
        cls, command: str, kind: DocumentKind, asked: Format | None, output: Path | None
    ) -> Written:
        """What was asked for, once it is sure that the document has it and the file can be written.

        A file's name chooses the format unless one is asked for; a name that stands for none is
        refused, since a table may not be what was meant.
        """
        path = None if output == Path("-") else output
        ending = path.suffix.lower() if path is not None else ""
        if asked is None and ending not in SUFFIXES:
            known = ", ".join(each for each in SUFFIXES if each)
            raise BadOption(
                f"--output: expected a name that ends in {known}, got {str(path)!r}; rename it, "
                "or give --format."
            )
        rendering = Rendering(
            format=asked or SUFFIXES[ending],
            width=page_width(),
            color=path is None and wants_color(),
            command=f"vtbench {command}",
        )
        refuse_format(kind, rendering)
        check_writable(path)
        return cls(path=path, rendering=rendering)

    def shown_as(self, shape: type[Shape], /, **more: Any) -> Shape:
        """The rendering with what one kind of document is asked beside it."""
        return shape(**msgspec.structs.asdict(self.rendering), **more)

    def write(self, text: str) -> None:
        """Write the document whole."""
        write_document(text, self.path)
