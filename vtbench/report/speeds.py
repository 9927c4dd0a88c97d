"""Claims about speed as documents: the order of columns, and what throughputs imply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from vtbench.claims.audit.throughputs import Implied
from vtbench.claims.judge import Verdict
from vtbench.claims.judge.speed_orders import ColumnOrder
from vtbench.claims.suite.speed import SPEEDS
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import plural, si

TERA = 1e12


class Speeds(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside verdicts on speeds."""

    orders: tuple[ColumnOrder, ...] = ()
    implied: tuple[Implied, ...] = ()


NO_SPEEDS = Speeds()


def speed_explanation(verdict: Verdict) -> str:
    """Why a speed is unknown, and of a ratio what another device than the printed one says."""
    kind = verdict.unknown or ""
    return f"{kind}; {verdict.direction}" if kind == "hardware" and verdict.direction else kind


def speed_notes(verdicts: Iterable[Verdict]) -> list[str]:
    """Where speeds were measured, and what other devices than the printed ones say of ratios."""
    devices: dict[str, int] = {}
    told: dict[str, int] = {}
    for verdict in verdicts:
        if verdict.measured_on is not None:
            devices[verdict.measured_on] = devices.get(verdict.measured_on, 0) + 1
        if verdict.direction is not None and verdict.unknown == "hardware":
            told[verdict.direction] = told.get(verdict.direction, 0) + 1
    notes = [f"Speeds were measured on {', '.join(devices)}."] if devices else []
    if told:
        count = plural(sum(told.values()), "ratio")
        said = ", ".join(f"{told.get(word, 0)} {text}" for word, text in _SAID.items())
        notes.append(f"{count} measured on hardware other than the printed one: {said}.")
    return notes


_SAID = {
    "agrees": "in the printed direction",
    "disagrees": "in the other direction",
    "open": "open",
}


def speed_tables(speeds: Speeds) -> list[Table]:
    """The order of every column that was measured, and every printed throughput's share."""
    suites = dict.fromkeys(order.suite for order in speeds.orders)
    suites |= dict.fromkeys(share.suite for share in speeds.implied)
    found = []
    for suite in suites:
        orders = [each for each in speeds.orders if each.suite == suite]
        shares = [each for each in speeds.implied if each.suite == suite]
        found += [_order_table(suite, orders)] if orders else []
        found += [_implied_table(suite, shares)] if shares else []
    return found


def _order_table(suite: str, orders: Sequence[ColumnOrder]) -> Table:
    return Table(
        title=f"{suite}: which is faster, pair by pair",
        columns=(
            Column(head="Column", align="left", shrink=True),
            Column(head="Measured on", align="left", shrink=True),
            *figure_columns("Pairs", "Agree", "Disagree", "Open"),
        ),
        rows=tuple(
            (o.column, o.device, str(o.pairs), str(o.agrees), str(o.disagrees), str(o.open))
            for o in orders
        ),
        notes=("Open: the measurements or the printed digits are too close to tell.",),
    )


def _implied_table(suite: str, shares: Sequence[Implied]) -> Table:
    rows = tuple(
        (
            each.claim.removeprefix(f"{suite}."),
            f"{each.printed} img/s",
            si(each.macs),
            f"{each.operations / TERA:.3g} T/s",
            f"{each.peak / TERA:.4g} T/s",
            f"{100 * each.utilisation:.0f} %" + (" !" if each.impossible else ""),
        )
        for each in shares
    )
    return Table(
        title=f"{suite}: printed throughputs against the device",
        columns=(
            name_column("Claim"),
            Column(head="Printed"),
            Column(head="MACs", drop=3),
            Column(head="Operations", drop=2),
            Column(head="Peak", drop=1),
            Column(head="Share"),
        ),
        rows=rows,
        conditions=(_of_what(shares),),
        notes=tuple(_implied_notes(suite, shares)),
    )


def _of_what(shares: Sequence[Implied]) -> str:
    """The peaks of the table, and whether their precision is the paper's."""
    peaks = dict.fromkeys(
        f"{each.hardware} in {each.precision}" + ("" if each.stated else " (not stated)")
        for each in shares
    )
    return f"One MAC is two operations; dense peak of {', '.join(peaks)}"


def _implied_notes(suite: str, shares: Sequence[Implied]) -> list[str]:
    notes = []
    printed = sum(not each.counted for each in shares)
    if printed:
        notes.append(f"The MACs of {plural(printed, 'row')} are printed in the paper, not counted.")
    for each in shares:
        name = each.claim.removeprefix(f"{suite}.")
        done, most = each.operations / TERA, each.limit / TERA
        if each.impossible:
            notes.append(
                f"! {name}: {each.printed} img/s of {si(each.macs)} MACs are {done:.3g} T "
                f"operations a second, and {each.hardware} can do at most {most:.4g} T."
            )
        elif each.utilisation > 1:
            notes.append(f"{name}: this is more than fp32 allows; the model ran in a lower "
                         "precision, or the figures are wrong.")  # fmt: skip
    return notes


def speed_objects(verdicts: Iterable[Verdict], speeds: Speeds) -> dict[str, Any]:
    """What stands beside verdicts, as docs/json.md promises it; nothing if none is of speed."""
    if not any(verdict.claim.metric in SPEEDS for verdict in verdicts):
        return {}
    return {
        "speeds": {
            "orders": [_with(each, "pairs") for each in speeds.orders],
            "implied": [_with(each, "utilisation", "impossible") for each in speeds.implied],
        }
    }


def _with(each: ColumnOrder | Implied, *derived: str) -> dict[str, Any]:
    """A struct as an object, with what follows from its fields."""
    return {**msgspec.to_builtins(each), **{name: getattr(each, name) for name in derived}}
