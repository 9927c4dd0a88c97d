"""Many workloads: cells of a grid, a file that grows by whole lines, and who executes them.

``axes``, ``cells`` and ``store`` are data; ``cell_task`` is the one function that measures a cell.
"""
