"""Contradictions among the printed figures of a table, found from their digits alone.

A figure stands for every value that rounds, or is cut, to its digits. What other figures of the
table allow for it is then a range too, and a finding is a figure whose range misses that one:
no rounding can bring them together. Nothing here knows a model.
"""

from vtbench.claims.audit.auditing import audit
from vtbench.claims.audit.findings import Audit, Check, Finding
from vtbench.claims.audit.tables import PrintedTable, read_tables

__all__ = ["Audit", "Check", "Finding", "PrintedTable", "audit", "read_tables"]
