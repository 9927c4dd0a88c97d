"""How a paper says where its figures come from: a note below the table, and a BibTeX entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from vtbench.data import catalog
from vtbench.data.libraries import LISTED
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.version import HOMEPAGE, VERSION
from vtbench.report.table import Table
from vtbench.report.units import pixels, plural

YEAR = 2026
KEY = f"vtbench_{VERSION.replace('.', '_')}"
"""What a paper cites."""


def cited(tables: Sequence[Table], note: str) -> list[Table]:
    """The tables, the first of which says how its figures were made; an empty note says nothing."""
    if not note or not tables:
        return list(tables)
    first, *others = tables
    return [msgspec.structs.replace(first, notes=(*first.notes, note), cites=KEY), *others]


def with_bibtex(text: str, shape: str) -> str:
    """A document and the BibTeX entry, to be copied from there."""
    if shape == "markdown":
        return f"{text}\n\n```bibtex\n{bibtex()}\n```"
    if shape == "latex":
        entry = "\n".join(f"% {line}" for line in bibtex().splitlines())
        return f"{text}\n\n% For your .bib file, without the percent signs:\n{entry}"
    return f"{text}\n\n{bibtex()}"


def counts_note(records: Sequence[Record], versions: Mapping[str, str]) -> str:
    """Tool, version, convention, libraries, resolution and batch of counts."""
    counted = [record for record in records if record.error is None]
    works = [record.workload for record in counted]
    passes = "forward and backward" if any(work.backward for work in works) else "forward"
    sources = {_source(work.model) for work in works}
    with_ = "".join(f", {each}" for each in _libraries(sources, versions))
    by_values = _listed(record.workload.model for record in counted if record.by_values)
    values = (
        f" The count of {by_values} can depend on the values of the input." if by_values else ""
    )
    return (
        "Multiply-accumulates (one multiply-add = 1 MAC; convolutions and matrix products, "
        f"attention included) of the {passes} pass counted with vtbench {VERSION}, convention "
        f"{_listed(record.convention for record in counted)}{with_}, input "
        f"{_listed(map(pixels, works))}, batch size {_listed(work.batch_size for work in works)}."
        f"{values}"
    )


def measured_note(records: Sequence[Measurement]) -> str:
    """Tool, version, protocol, hardware and libraries, as the measurements name them."""
    sound = [record for record in records if record.error is None]
    tools = _listed(record.environment.get("vtbench") or VERSION for record in sound)
    devices = _listed(_hardware(record) for record in sound if record.device is not None)
    libraries = _listed(
        each
        for record in sound
        for each in _libraries({_source(record.workload.model)}, record.environment)
    )
    said = [
        f"protocol {_listed(str(record.protocol) for record in sound)}",
        *([libraries] if libraries else []),
        _listed(record.workload.dtype for record in sound),
        f"batch size {_listed(record.workload.batch_size for record in sound)}",
    ]
    on = f" on {devices}" if devices else ""
    return f"Measured{on} with vtbench {tools}, {', '.join(said)}."


def _hardware(record: Measurement) -> str:
    threads = record.workload.threads
    name = record.device.name if record.device is not None else ""
    return f"{name} ({plural(threads, 'thread')})" if threads is not None else name


def _source(model: str) -> str:
    """The library that builds a model, if it is one of those whose versions are told."""
    row = catalog.entry(model)
    return (model if row is None else row.target).partition(":")[0]


def _libraries(sources: Iterable[str], versions: Mapping[str, object]) -> list[str]:
    """PyTorch, and the libraries that build the models, with the versions that are known."""
    names = ("torch", *sorted(set(sources) & set(LISTED)))
    return [f"{name} {versions[name]}" for name in names if versions.get(name)]


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def bibtex() -> str:
    """The BibTeX entry of this version, in a type that every style has."""
    return "\n".join(
        [
            f"@misc{{{KEY},",
            "  author  = {{The vtbench contributors}},",
            "  title   = {{vtbench: exact multiply-accumulate counts of vision models}},",
            f"  note    = {{Version {VERSION}}},",
            f"  year    = {{{YEAR}}},",
            f"  url     = {{{HOMEPAGE}}},",
            "}",
        ]
    )
