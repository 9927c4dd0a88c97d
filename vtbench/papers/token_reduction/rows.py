"""Token reduction: methods on vision transformers, as METHOD_HOST and for any of timm's."""

from __future__ import annotations

from typing import NamedTuple

from vtbench.data.catalog_row import ModelRow
from vtbench.data.model_names import REDUCED
from vtbench.data.reduction_methods import methods_there

FAMILY = "Token reduction"
_NETWORKS = "vtbench.papers.token_reduction.networks"


class Method(NamedTuple):
    """A method, and where it was published."""

    name: str
    title: str
    paper: str
    code: str = ""
    """The licence of the released code; empty if it is not known here. Nothing of it is used."""


EVIT = (
    "Liang et al., Not All Patches are What You Need: Expediting Vision Transformers via "
    "Token Reorganizations, ICLR 2022"
)
TOPK = (
    "Haurum et al., Which Tokens to Use? Investigating Token Reduction in Vision "
    "Transformers, ICCV Workshops 2023"
)
TOME = "Bolya et al., Token Merging: Your ViT But Faster, ICLR 2023"
TOFU = (
    "Kim et al., Token Fusion: Bridging the Gap between Token Pruning and Token Merging, WACV 2024"
)
PITOME = (
    "Tran et al., Accelerating Transformers with Spectrum-Preserving Token Merging, NeurIPS 2024"
)
DTEM = (
    "Lee and Hong, Learning to Merge Tokens via Decoupled Embedding for Efficient Vision "
    "Transformers, NeurIPS 2024"
)
MCTF = (
    "Lee et al., Multi-criteria Token Fusion with One-step-ahead Attention for Efficient "
    "Vision Transformers, CVPR 2024"
)
DIFFRATE = (
    "Chen et al., DiffRate: Differentiable Compression Rate for Efficient Vision "
    "Transformers, ICCV 2023"
)
GTP = (
    "Xu et al., GTP-ViT: Efficient Vision Transformers via Graph-based Token Propagation, WACV 2024"
)
DYNAMICVIT = (
    "Rao et al., DynamicViT: Efficient Vision Transformers with Dynamic Token Sparsification,"
    " NeurIPS 2021"
)
DTPS = (
    "Wei et al., Joint Token Pruning and Squeezing Towards More Aggressive Compression of "
    "Vision Transformers, CVPR 2023"
)
ATC = "Haurum et al., Agglomerative Token Clustering, ECCV 2024"
DPCKNN = (
    "Zeng et al., Not All Tokens Are Equal: Human-centric Visual Analysis via Token "
    "Clustering Transformer, CVPR 2022"
)
KMEDOIDS = "Marin et al., Token Pooling in Vision Transformers, arXiv 2110.03860"
SINKHORN = (
    "Haurum et al., Multi-scale hybrid vision transformer and Sinkhorn tokenizer for sewer "
    "defect classification, Automation in Construction 2022"
)
PATCHMERGER = "Renggli et al., Learning to Merge Tokens in Vision Transformers, arXiv 2202.12015"
TOKENLEARNER = (
    "Ryoo et al., TokenLearner: What Can 8 Learned Tokens Do for Images and Videos?, NeurIPS 2021"
)
SIT = "Zong et al., Self-slimmed Vision Transformer, ECCV 2022"
STVIT = (
    "Chang et al., Making Vision Transformers Efficient from A Token Sparsification View, CVPR 2023"
)
EVOVIT = "Xu et al., Evo-ViT: Slow-Fast Token Evolution for Dynamic Vision Transformer, AAAI 2022"
PPT = (
    "Wu et al., PPT: Token Pruning and Pooling for Efficient Vision Transformers, arXiv 2310.01812"
)
FPET = "Kim et al., Faster Parameter-Efficient Tuning with Token Redundancy Reduction, CVPR 2025"
LTMP = (
    "Bonnaerens and Dambre, Learned Thresholds Token Merging and Pruning for Vision "
    "Transformers, TMLR 2023"
)
ATS = "Fayyaz et al., Adaptive Token Sampling for Efficient Vision Transformers, ECCV 2022"
AVIT = "Yin et al., A-ViT: Adaptive Tokens for Efficient Vision Transformer, CVPR 2022"
SPARSIFINER = (
    "Wei et al., Sparsifiner: Learning Sparse Instance-Dependent Attention for Efficient "
    "Vision Transformers, CVPR 2023"
)
CROPR = "Bergner et al., Token Cropr: Faster ViTs for Quite a Few Tasks, CVPR 2025"
TOMESD = "Bolya and Hoffman, Token Merging for Fast Stable Diffusion, CVPR Workshops 2023"
DCT = (
    "He et al., Fourier Transformer: Fast Long Range Modeling by Removing Sequence Redundancy"
    " with FFT Operator, Findings of ACL 2023"
)
GRIDPOOL = "A plain baseline of vtbench: neighbours on the grid of patches are averaged"

METHODS: tuple[Method, ...] = (
    Method("evit", "EViT", EVIT),
    Method("topk", "Top-K", TOPK, "MIT"),
    Method("random", "Random", TOPK, "MIT"),
    Method("tome", "ToMe", TOME, "CC BY-NC 4.0"),
    Method("tofu", "ToFu", TOFU, "none of the authors'"),
    Method("pitome", "PiToMe", PITOME, "CC BY-NC 4.0"),
    Method("dtem", "DTEM", DTEM, "no licence"),
    Method("mctf", "MCTF", MCTF),
    Method("diffrate", "DiffRate", DIFFRATE),
    Method("gtp", "GTP", GTP, "MIT"),
    Method("dynamicvit", "DynamicViT", DYNAMICVIT, "MIT"),
    Method("dtps", "dTPS", DTPS, "Apache-2.0"),
    Method("atc", "ATC", ATC, "MIT"),
    Method("dpcknn", "DPC-KNN", DPCKNN, "Apache-2.0"),
    Method("kmedoids", "K-Medoids", KMEDOIDS, "MIT, of a comparison; none of the authors'"),
    Method("sinkhorn", "Sinkhorn", SINKHORN, "MIT"),
    Method("patchmerger", "PatchMerger", PATCHMERGER, "none of the authors'"),
    Method("tokenlearner", "TokenLearner", TOKENLEARNER, "Apache-2.0"),
    Method("sit", "SiT", SIT),
    Method("stvit", "STViT", STVIT, "MIT, of its form on Swin"),
    Method("evovit", "Evo-ViT", EVOVIT, "MIT"),
    Method("ppt", "PPT", PPT, "Apache-2.0"),
    Method("fpet", "FPET", FPET, "no licence"),
    Method("ltmp", "LTMP", LTMP, "no licence"),
    Method("ats", "ATS", ATS),
    Method("avit", "A-ViT", AVIT, "non-commercial"),
    Method("sparsifiner", "Sparsifiner", SPARSIFINER),
    Method("cropr", "Token Cropr", CROPR, "MIT"),
    Method("tomesd", "ToMeSD", TOMESD, "MIT"),
    Method("dct", "DCT", DCT),
    Method("gridpool", "Grid pooling", GRIDPOOL),
)
"""Every method, those of the same paper side by side."""

HOSTS = {
    "deit_t": "timm:deit_tiny_patch16_224",
    "deit_s": "timm:deit_small_patch16_224",
    "deit_b": "timm:deit_base_patch16_224",
    "vit_s": "timm:vit_small_patch16_224",
    "vit_b": "timm:vit_base_patch16_224",
    "vit_l": "timm:vit_large_patch16_224",
    "lvvit_s": "lvvit_s",
    "lvvit_m": "lvvit_m",
}
"""Short name of a host -> the model that it is."""

_LISTED = "deit_s"
"""The host that stands in the catalogue for all."""


def _row(name: str, method: Method, host: str) -> ModelRow:
    target = f"{_NETWORKS}:{method.name}"
    return ModelRow(name, target, method.paper, FAMILY, {"host": host}, head=("head",))


_THERE = [method for method in METHODS if method.name in methods_there()]

ROWS: tuple[ModelRow, ...] = tuple(
    _row(f"{method.name}_{_LISTED}", method, HOSTS[_LISTED]) for method in _THERE
)
"""Each method on one host."""

COMPOSED: tuple[ModelRow, ...] = tuple(
    _row(f"{method.name}_{host}", method, model)
    for method in _THERE
    for host, model in HOSTS.items()
    if host != _LISTED
)
"""Each method on the other hosts."""


def composed(name: str) -> ModelRow | None:
    """The row of ``reduce:METHOD:HOST`` for any host; None for other names."""
    room, _, rest = name.partition(":")
    method, colon, host = rest.partition(":")
    found = next((each for each in _THERE if each.name == method), None)
    if room != REDUCED or not colon or found is None:
        return None
    return _row(name, found, HOSTS.get(host, host))
