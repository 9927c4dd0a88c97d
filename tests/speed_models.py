"""Two small models of a user's own, and a suite of what might be printed of them."""

from torch import nn

SUITE = """
[suite]
title = "Two nets"
source = "made up"
resolution = 32
hardware = "V100"

[[quantity]]
id = "unprinted"
metric = "throughput"
workload = { model = "speed_models:wide" }

[[table]]
id = "t1"
where = "Table 1"

[table.columns]
throughput = { metric = "throughput", unit = "img/s", conditions = { batch_size = 8 } }
latency = { metric = "latency", unit = "ms" }

[[table.row]]
id = "small"
workload = { model = "speed_models:small" }
throughput = "200"
latency = "5.0"

[[table.row]]
id = "wide"
workload = { model = "speed_models:wide" }
throughput = "100"
latency = "10.0"

[[claim]]
id = "ratio"
where = "Abstract: twice as fast"
kind = "ratio"
metric = "throughput"
unit = "x"
printed = "2.0"
of = "t1.small.throughput / t1.wide.throughput"

[[claim]]
id = "gain"
where = "Abstract: 100 % more"
kind = "difference"
metric = "throughput"
unit = "%"
printed = "100"
of = "100 * ratio - 100"

[[claim]]
id = "more"
where = "Abstract: 100 images a second more"
kind = "difference"
metric = "throughput"
unit = "img/s"
printed = "100"
of = "t1.small.throughput - t1.wide.throughput"

[[claim]]
id = "saved"
where = "Abstract: half the latency"
kind = "ratio"
metric = "latency"
unit = "x"
printed = "0.50"
of = "t1.small.latency / t1.wide.latency"
"""


def small() -> nn.Module:
    """A convolution on a coarse grid."""
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def wide() -> nn.Module:
    """A convolution on every pixel."""
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
