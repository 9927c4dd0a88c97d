"""Tables with a model in each column and a quantity in each row, turned."""

from __future__ import annotations

import msgspec

from vtbench.claims.audit.columns import quantity_of
from vtbench.claims.audit.printed import PrintedCell, PrintedTable


def upright(table: PrintedTable) -> tuple[PrintedTable, str]:
    """The table with a row for each model, and a sentence if it had to be turned for that."""
    names = [table.name(row) for row in range(len(table.rows))]
    if (
        table.names > 1
        or any(map(quantity_of, table.heads[1:]))
        or not any(map(quantity_of, names))
    ):
        return table, ""
    heads = (table.heads[0], *names)
    rows = tuple(
        (PrintedCell(head), *(row[place] for row in table.rows))
        for place, head in enumerate(table.heads[1:], 1)
    )
    said = (
        "The headings name no quantity and the rows do, so the table was turned: rows and columns "
        "are counted in the turned table."
    )
    return msgspec.structs.replace(table, heads=heads, rows=rows), said
