"""Who published what."""

V3 = "Wu et al., Visual Transformers, arXiv 2006.03677v3"
V4 = "Wu et al., Visual Transformers, ICCV 2021 (arXiv 2006.03677v4)"
RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
FPN = "Kirillov et al., Panoptic Feature Pyramid Networks, CVPR 2019"
