"""What SparseFormer's tables hold it against, apart from the baselines: of images and of clips.

Each stands at the resolution and the number of frames of its printed figure.
"""

from __future__ import annotations

from typing import Any

from vtbench.catalog.row import Entry

_PERCEIVER = "Jaegle et al., Perceiver, ICML 2021"
_PERCEIVER_IO = "Jaegle et al., Perceiver IO, ICLR 2022"
_DETR = "Carion et al., End-to-End Object Detection with Transformers, ECCV 2020"
_UPERNET = "Xiao et al., Unified Perceptual Parsing, ECCV 2018; Swin-T: Liu et al., ICCV 2021"
_TIMESFORMER = "Bertasius et al., Is Space-Time Attention All You Need, ICML 2021"
_VIVIT = "Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021"
_VIDEO_SWIN = "Liu et al., Video Swin Transformer, CVPR 2022"
_MVIT = "Fan et al., Multiscale Vision Transformers, ICCV 2021"
_SLOWFAST = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"
_NONLOCAL = "Wang et al., Non-local Neural Networks, CVPR 2018"

_IMAGES, _CLIPS = "library_images", "library_videos"


def _peer(name: str, place: str, paper: str, *, family: str, head: str, **options: Any) -> Entry:
    return Entry(
        name=name,
        target=f"vtbench.models.{place}",
        options=options,
        paper=paper,
        family=family,
        head=(head,) if head else None,
    )


SPARSEFORMER_PEERS: tuple[Entry, ...] = (
    Entry(
        name="perceiver",
        target="vtbench.models.perceiver:Perceiver",
        paper=_PERCEIVER,
        family="Perceiver",
        head=("head",),
    ),
    _peer(
        "perceiver_io", f"{_IMAGES}:perceiver_io", _PERCEIVER_IO, family="Perceiver",
        head="perceiver.decoder",
    ),
    _peer("detr_r50", f"{_IMAGES}:detr", _DETR, family="Detection", head=""),
    _peer("detr_dc5_r50", f"{_IMAGES}:detr", _DETR, family="Detection", head="", dilated=True),
    _peer(
        "upernet_swin_t", f"{_IMAGES}:upernet_swin_t", _UPERNET, family="Segmentation",
        head="decode_head",
    ),
    _peer("timesformer", f"{_CLIPS}:timesformer", _TIMESFORMER, family="Video", head="classifier"),
    _peer("vivit_b_fe", "vivit:vivit_fe", _VIVIT, family="Video", head="head"),
    _peer("video_swin_t", f"{_CLIPS}:video_swin_t", _VIDEO_SWIN, family="Video", head="head"),
    *(
        _peer(f"mvit_{size}", f"{_CLIPS}:mvit", _MVIT, family="Video", head="head", size=size)
        for size in ("s", "b")
    ),
    _peer("slowfast_r101", "slowfast:slowfast", _SLOWFAST, family="Video", head="head"),
    _peer("nl_i3d_r101", "nonlocal_i3d:nonlocal_i3d", _NONLOCAL, family="Video", head="head"),
)  # fmt: skip
"""Catalogue rows, in the order in which they are listed."""
