"""Every method of token reduction on DeiT-S under one protocol: MACs, operators, speed.

    python scripts/compare_token_reduction.py             counts, beside what was measured before
    python scripts/compare_token_reduction.py --measure   measures first, on a quiet machine

writes reports/token_reduction.md, .csv and .svg. The protocol is that of Haurum et al.: three
stages, before or in blocks 3, 6 and 9, at which a rate of the patches is kept. Methods that merge
at every block are given there the tokens to remove; methods with a geometry of their own stand
with their default. Beside it each method is set to half, to 65 % and to 85 % of DeiT-S's MACs.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch

from vtbench.count.count_workload import count_workload
from vtbench.data.files import read_results
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import VtbenchError
from vtbench.models.axes import dial_of, takes
from vtbench.papers.token_reduction.rows import METHODS, Method
from vtbench.reduce.host import host_of
from vtbench.reduce.listed import method_named
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.plot import draw
from vtbench.sweep.search import nearest_listed

REPORTS = Path(__file__).parent.parent / "reports"
HOST = "deit_s"
_TIMM = "deit_small_patch16_224"
RATES = (0.5, 0.7, 0.9)
BUDGETS = (0.5, 0.65, 0.85)
MEASURED_AT = (0.5, 0.7)
"""Shares of the MACs at which speed is measured."""
BATCHES = (1, 16)
STAGES, DEPTH, PATCHES = (3, 6, 9), 12, 196
DISTANCES = ("aten._cdist_forward.default", "aten.cdist.default")

_HOST_SAID = """\
DeiT-S itself takes {macs:.3f} GMACs in {calls} operator calls. Written by
scripts/compare_token_reduction.py.
"""
_PROTOCOL_SAID = """\
After each of three stages int(196·rate^i) patches are left. Sorted by the MACs at 0.7. The last
columns have the distances between tokens too, which other counters do not see. Calls are of the
default setting. Methods without a figure have a geometry of their own.
"""

_OWN_MAP = ("ats", "mctf", "sparsifiner")
"""Methods that stand in for a block and make its map themselves."""
_NEEDS_SAID = """\
A method sees nothing of the attention map, the row of the class token, or all of it, in which case
attention is no fused kernel. What is learned has to be trained; the others can be put on a network
as it is. The licence is that of the code that the authors released.
"""

Options = Mapping[str, Any]


class Setting(NamedTuple):
    """A method as it is set, and what it costs."""

    options: Options
    macs: int
    distances: int
    calls: int
    params: int


def main() -> None:
    """Count, measure if asked, and write the page, the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--measure", action="store_true", help="measure speeds first")
    asked = parser.parse_args()
    methods = [each for each in METHODS if _counts(each)]
    if asked.measure:
        for batch in BATCHES:
            _measure(methods, batch)
    rows = sorted((_row(each) for each in methods), key=lambda row: row["at 0.7 (G)"] or 0.0)
    _write_csv(rows)
    (REPORTS / "token_reduction.md").write_text(_page(rows), encoding="utf-8")
    _draw(rows)


@cache
def _record(model: str, options: tuple[tuple[str, Any], ...]) -> Record:
    return count_workload(Workload(model=model, options=options))


def setting(method: Method, options: Options) -> Setting | None:
    """A method with some options; None if it refuses them, which is said."""
    model = f"{method.name}_{HOST}"
    try:
        return _setting(model, options)
    except VtbenchError as error:
        sys.stderr.write(f"{model} {_said(options)}: {error}\n")
        return None


def _setting(model: str, options: Options) -> Setting:
    record = _record(model, freeze_options(dict(options)))
    return Setting(
        options=options,
        macs=record.macs,
        distances=sum(row.macs for row in record.rows if row.op in DISTANCES),
        calls=sum(row.calls for row in record.rows),
        params=sum(record.module_parameters.values()),
    )


def _counts(method: Method) -> bool:
    return setting(method, {}) is not None


def at_rate(method: Method, rate: float) -> Setting | None:
    """The method under the common protocol, or None if it has a geometry of its own."""
    model = f"{method.name}_{HOST}"
    if takes(model, "keep_rate"):
        rounding = {"rounding": "int_original"} if takes(model, "rounding") else {}
        return setting(method, {"keep_rate": rate, **rounding})
    if takes(model, "r"):
        return setting(method, {"r": staged(rate)})
    return None


def staged(rate: float) -> tuple[int, ...]:
    """Tokens to remove at each block so that int(196·rate^i) patches are left after stage i.

    Pairs are merged, so that at most half can go at once.
    """
    found, left = [0] * DEPTH, PATCHES
    for index, block in enumerate(STAGES, start=1):
        found[block] = min(left - int(PATCHES * rate**index), left // 2)
        left -= found[block]
    return tuple(found)


def at_share(method: Method, share: float) -> Setting | None:
    """The setting of the method's dial whose MACs are nearest to a share of the host's."""
    dial = dial_of(f"{method.name}_{HOST}")
    if dial is None:
        return None
    option, values = dial
    budget = round(share * _host().macs)

    def figure(place: int) -> int | None:
        found = setting(method, {option: values[place]})
        return None if found is None else found.macs

    best = nearest_listed(figure, len(values), budget)
    return None if best is None else setting(method, {option: values[best[0]]})


@cache
def _host() -> Setting:
    return _setting(HOST, {})


def _saved(batch: int) -> Path:
    return REPORTS / "measured" / f"token_reduction_b{batch}.jsonl"


def _measure(methods: Iterable[Method], batch: int) -> None:
    """All methods and the host in one session, so that each ratio is of one run."""
    command = ["throughput", HOST, "--batch-size", str(batch), "--threads", "1"]
    for method in methods:
        found = [at_share(method, share) for share in MEASURED_AT]
        wanted = [each for each in found if each is not None] or [setting(method, {})]
        model = f"{method.name}_{HOST}"
        command.append(model)
        for option, values in _given(each for each in wanted if each is not None).items():
            command += ["-o", f"{model}:{option}={','.join(map(str, values))}"]
    _saved(batch).unlink(missing_ok=True)
    command += ["--relative-to", HOST, "--max-time", "4", "--save", str(_saved(batch))]
    subprocess.run([sys.executable, "-m", "vtbench", *command], check=True)  # noqa: S603 - our own


def _given(settings: Iterable[Setting]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in settings:
        for option, value in each.options.items():
            if value not in found.setdefault(option, []):
                found[option].append(value)
    return found


@cache
def _measured(batch: int) -> dict[tuple[str, tuple[tuple[str, Any], ...]], Measurement]:
    if not _saved(batch).exists():
        return {}
    found = read_results([_saved(batch)]).measurements
    return {(each.workload.model, each.workload.options): each for each in found}


def speedup(method: Method, at: Setting | None, batch: int) -> float | None:
    """How much faster than the host it ran, in the same session."""
    known = _measured(batch)
    host = known.get((HOST, ()))
    own = at and known.get((f"{method.name}_{HOST}", freeze_options(dict(at.options))))
    if host is None or own is None or host.median is None or own.median is None:
        return None
    return host.median / own.median


def _row(method: Method) -> dict[str, Any]:
    """Everything that is known of a method, under the headings of the table."""
    default = _setting(f"{method.name}_{HOST}", {})
    row: dict[str, Any] = {"method": method.title, "name": method.name, "paper": method.paper}
    row["sees"] = seen(method)
    row["released code"] = method.code
    row["learned (M)"] = (default.params - _host().params) / 1e6
    row["calls"] = default.calls
    row["default (G)"] = default.macs / 1e9
    for rate in RATES:
        found = at_rate(method, rate)
        row[f"at {rate} (G)"] = None if found is None else (found.macs - found.distances) / 1e9
        row[f"at {rate} with distances (G)"] = None if found is None else found.macs / 1e9
    for share in BUDGETS:
        found = at_share(method, share)
        row[f"{share:.0%} of MACs"] = "" if found is None else _said(found.options)
    for share in MEASURED_AT:
        found = at_share(method, share) or default
        row[f"MAC ratio at {share:.0%}"] = _host().macs / found.macs
        for batch in BATCHES:
            row[f"speed-up at {share:.0%}, batch {batch}"] = speedup(method, found, batch)
    return row


def seen(method: Method) -> str:
    """What of the attention map a method needs."""
    if method.name in _OWN_MAP:
        return "map"
    with torch.device("meta"):
        steps = method_named(method.name).steps(host_of(timm.create_model(_TIMM)))
    shown = {step.shows for step in steps}
    return next((word for word in ("map", "row") if word in shown), "")


def _said(options: Options) -> str:
    return " ".join(f"{name}={value}" for name, value in options.items())


def _write_csv(rows: list[dict[str, Any]]) -> None:
    with (REPORTS / "token_reduction.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _page(rows: list[dict[str, Any]]) -> str:
    host = _host()
    counted = ["calls", *(f"at {rate} (G)" for rate in RATES)]
    exact = [f"at {rate} with distances (G)" for rate in RATES]
    parts = [
        "# Token reduction on DeiT-S\n",
        _HOST_SAID.format(macs=host.macs / 1e9, calls=host.calls),
        "## One protocol\n",
        _PROTOCOL_SAID,
        _table(rows, ["method", "learned (M)", *counted, *exact]),
        "## Equal MACs\n",
        "The setting of each method that is nearest to a share of DeiT-S's MACs.\n",
        _table(rows, ["method", *(f"{share:.0%} of MACs" for share in BUDGETS)]),
        "## What each needs\n",
        _NEEDS_SAID,
        _table(rows, ["method", "sees", "learned (M)", "released code", "paper"]),
    ]
    if _measured(BATCHES[-1]):
        speeds = [name for name in rows[0] if "speed-up" in name or "MAC ratio" in name]
        parts += ["## Speed\n", _conditions(), _table(rows, ["method", *speeds])]
    return "\n".join(parts)


def _conditions() -> str:
    one = next(iter(_measured(BATCHES[-1]).values()))
    device = one.device.name if one.device else "this machine"
    return (
        f"{device}, one thread, float32, all in one session for each batch size. A method without "
        "a dial stands with its default at both shares.\n"
    )


def _table(rows: list[dict[str, Any]], names: list[str]) -> str:
    lines = [" | ".join(names), " | ".join(":---" if n == "method" else "---:" for n in names)]
    lines += [" | ".join(_cell(row[name]) for name in names) for row in rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "—"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _draw(rows: list[dict[str, Any]]) -> None:
    """Speed-up over MAC ratio, a point for each method; above the diagonal there is nothing."""
    lines = []
    for batch in BATCHES:
        name, ratio = (
            f"speed-up at {MEASURED_AT[0]:.0%}, batch {batch}",
            f"MAC ratio at {MEASURED_AT[0]:.0%}",
        )
        marks = [Mark(x=row[ratio], y=row[name], name=row["method"]) for row in rows if row[name]]
        if marks:
            lines.append(Line(name=f"batch {batch}", marks=tuple(marks), trend=False))
    if lines:
        chart = Chart(
            title="Speed-up beside what the MACs promise, on DeiT-S",
            x=Scale(label="MACs of DeiT-S / MACs", unit="x"),
            y=Scale(label="speed-up", unit="x"),
            lines=tuple(lines),
            kind="points",
        )
        draw(chart, REPORTS / "token_reduction.svg")


if __name__ == "__main__":
    main()
