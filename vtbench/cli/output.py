"""Where words go: the document to standard output or a file, everything else to standard error."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from vtbench.data.notice import Notice
from vtbench.data.visible import visible
from vtbench.errors import OutputError


def say(message: str) -> None:
    """One line for the user, apart from the document."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):  # there is nobody left to tell
        sys.stderr.write(f"vtbench: {visible(message)}\n")
        sys.stderr.flush()


@contextlib.contextmanager
def notices_said() -> Iterator[None]:
    """Notices of this process as lines for the user; other warnings as Python has them."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def said(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, Notice):
                say(str(message))
            else:
                show(message, category, *place)

        warnings.showwarning = cast("Any", said)
        yield


def tell(said: list[str]) -> None:
    """What the user should know of a file of results, each sentence once."""
    while said:
        say(said.pop(0))


def page_width() -> int:
    """Cells of the terminal, or of COLUMNS if that is set; 80 if there is neither."""
    return shutil.get_terminal_size(fallback=(80, 24)).columns


def wants_color() -> bool:
    """Whether standard output is a terminal that may be coloured."""
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def check_writable(path: Path | None) -> None:
    """Refuse an output that cannot be written, before any work is done for it."""
    if path is None:
        return
    if path.is_dir():
        raise OutputError(f"The output {str(path)!r} is a folder; give the name of a file in it.")
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise OutputError(
            f"The output {str(path)!r} is in a folder that does not exist; create the folder first."
        )
    target = path if path.exists() else folder
    if not os.access(target, os.W_OK) or not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"The output {str(path)!r} cannot be written: permission denied.")


def write_document(text: str, path: Path | None) -> None:
    """Write a document whole: to standard output, or to a file that it replaces at once."""
    if path is None:
        _write_stdout(text)
        return
    try:
        _write_file(text, path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise OutputError(f"The output {str(path)!r} cannot be written: {reason}.") from error
    say(f"wrote {path}")


def _write_stdout(text: str) -> None:
    """Text that the terminal's encoding cannot show is replaced, not refused."""
    if sys.stdout is None:
        raise OutputError("Standard output is closed; name a file with --output.")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, errors="replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us has seen enough
        _discard_stdout()
    except OSError as error:
        _discard_stdout()
        reason = (error.strerror or type(error).__name__).lower()
        raise OutputError(f"Standard output cannot be written: {reason}.") from error


def _discard_stdout() -> None:
    """What is still buffered goes nowhere, so that the end of the process is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_file(text: str, path: Path) -> None:
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a pipe or a device has nothing to replace
        target.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """While models run, what they print goes to standard error."""
    with contextlib.redirect_stdout(_stderr()):
        try:
            sys.__stdout__.flush()  # type: ignore[union-attr]  # None is caught below
            saved = os.dup(1)
        except (OSError, AttributeError):  # started without a standard output
            yield
            return
        try:
            os.dup2(2, 1)
            yield
        finally:
            os.dup2(saved, 1)
            os.close(saved)


def _stderr() -> TextIO:
    return sys.stderr
