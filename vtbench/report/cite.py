"""How to say in a paper where a count comes from."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.record import Record
from vtbench.data.version import VERSION
from vtbench.report.units import pixels

YEAR = 2026


def footnote(records: Sequence[Record]) -> str:
    """One sentence: tool, version, convention, resolution and batch."""
    counted = [record for record in records if record.error is None]
    sizes = ", ".join(dict.fromkeys(pixels(record.workload) for record in counted))
    batches = ", ".join(dict.fromkeys(str(record.workload.batch_size) for record in counted))
    conventions = ", ".join(sorted({record.convention for record in counted}))
    passes = "forward and backward" if any(r.workload.backward for r in counted) else "forward"
    return (
        f"Multiply-accumulates (one multiply-add = 1 MAC; convolutions and matrix products, "
        f"attention included) of the {passes} pass counted with vtbench {VERSION}, "
        f"convention {conventions}, input {sizes}, batch size {batches}."
    )


def bibtex() -> str:
    """The BibTeX entry of this version."""
    return "\n".join(
        [
            f"@software{{vtbench_{VERSION.replace('.', '_')},",
            "  author  = {{The vtbench contributors}},",
            "  title   = {{vtbench: exact multiply-accumulate counts of vision models}},",
            f"  version = {{{VERSION}}},",
            f"  year    = {{{YEAR}}},",
            "}",
        ]
    )
