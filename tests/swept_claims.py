"""A claim of a formula and a claim of growth, over a sweep, and a suite that holds them."""

from vtbench.claims.suite import read_suite

FORMULA = """
[[claim]]
id = "cost"
where = "Section 3"
kind = "formula"
metric = "macs"
printed = "3*CT^2*L + 1.5*L^2*CT"
workload = { model = "net" }
sweep = { width = [2, 4, 6, 10], tokens = [2, 4, 6, 8] }
symbols = { CT = "width", L = "tokens" }
"""
GROWTH = """
[[claim]]
id = "growth"
where = "Section 4"
kind = "scaling"
metric = "macs"
printed = "linear"
workload = { model = "net" }
sweep = { resolution = "32:128:32" }
symbols = { HW = "resolution^2" }
"""
HEAD = '[suite]\ntitle = "t"\nsource = "s"\n'


def suite(folder, body):
    path = folder / "s.toml"
    path.write_text(HEAD + body, encoding="utf-8")
    return read_suite(path)
