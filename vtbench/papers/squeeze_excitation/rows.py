"""Squeeze-and-Excitation networks: the baselines in Visual Transformers' first table.

The larger ones are quoted there from a paper whose ResNet has the stride in the first 1x1.
"""

from vtbench.papers.resnet.rows import with_attention

PAPER = "Hu et al., Squeeze-and-Excitation Networks, CVPR 2018"

ROWS = with_attention("se", PAPER)
