"""One folder for each paper: its rows, its networks and its cost model.

Nothing imports this room by name. ``vtbench.data.catalog`` and ``vtbench.data.cost.library`` list
its folders, and models are built from the targets that stand in the rows.
"""
