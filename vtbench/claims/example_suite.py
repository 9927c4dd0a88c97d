"""The commented suite that ``vtbench init-suite`` writes to begin with; its claims hold."""

from __future__ import annotations

EXAMPLE = """\
# A suite: the costs of models that a paper, a README or you yourself state. Check it with
#
#     vtbench check FILE
#     vtbench explain t1.net.macs FILE
#
# Add --allow-imports if it names a function of yours, which is then run.
# `vtbench suites --schema` prints a JSON Schema that editors complete and check this file with.

[suite]
title = "Title of the paper"
source = "how to find it, such as arXiv 2006.03677"
# The size of the images, unless a workload states another: 224, [384, 640], or "own".
resolution = 224
# The paper's conventions. MACs: full, double (FLOPs that are twice the MACs), attention_missed,
# norms_counted, ... Parameters: all, weights_only, no_norm, no_bias.
conventions = { macs = "full", params = "all" }

# The values that vtbench may try if a figure differs: give a range, never the answer.
# [search]
# resolution = [192, 224, 256]

[[table]]
id = "t1"
where = "Table 1"

# The quantity and unit of each column. The printed digits give the interval, not a tolerance.
[table.columns]
macs = { metric = "macs", unit = "G" }
params = { metric = "params", unit = "M" }
top1 = { unit = "%", needs = "weights" } # kept as reference; it cannot be judged here
d_macs = { kind = "difference", metric = "macs", unit = "G" }

[[table.row]]
id = "r18"
where = "row ResNet-18"
workload = { model = "resnet18" }
macs = "1.814"
params = "11.69"
top1 = "69.76"

[[table.row]]
id = "r34"
where = "row ResNet-34"
workload = { model = "resnet34" }
macs = "3.664"
params = "21.80"
# A derived figure names its parts: `macs` of this row, `r18.macs` of another.
# It is compared with the models, and with the other printed figures.
d_macs = { printed = "+1.850", of = "macs - r18.macs" }

# A model of your own is package.module:function, found from the current directory too; the
# function returns a module, or a module and its inputs.
#
# [[table.row]]
# id = "ours"
# where = "row Ours"
# workload = { model = "package.module:function", options = { depth = 12 } }
# macs = "1.2"
# params = { printed = "5.4", expect = "fails", why = "The paper leaves the embeddings out." }

# A figure outside any table.
[[claim]]
id = "abstract"
where = "abstract: \\"up to 2.02x the MACs\\""
kind = "ratio"
relation = "up_to"
metric = "macs"
printed = "2.02"
unit = "x"
of = "t1.r34.macs / t1.r18.macs"
"""
