"""CBAM: attention on channels, then on pixels: the baselines in Visual Transformers' first table.

The larger ones are quoted there from a paper whose ResNet has the stride in the first 1x1.
"""

from vtbench.papers.resnet.rows import with_attention

PAPER = "Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018"

ROWS = with_attention("cbam", PAPER)
