"""Matrix products under all the names that torch has for them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # torch's own name for it

from vtbench.count.cases.micro_case import (
    Case,
    D,
    H,
    N,
    applied,
    called,
    does,
    image,
    layer,
    tokens,
    weight,
)


def _matmul_out(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    result = torch.empty(a.shape[0], b.shape[1], device=a.device)
    return torch.mm(a, b, out=result)


PRODUCT_CASES = (
    # every token is multiplied by a D x D matrix
    Case("linear", N * D * D, lambda: layer(nn.Linear(D, D), tokens())),
    Case("linear without bias", N * D * D, lambda: layer(nn.Linear(D, D, bias=False), tokens())),
    Case("linear on one vector", D * D, lambda: layer(nn.Linear(D, D), image(D))),
    Case(
        "linear on an image", 14 * 14 * D * D, lambda: layer(nn.Linear(D, D), image(1, 14, 14, D))
    ),
    Case(
        "functional linear",
        N * D * D,
        lambda: does(lambda self, x: F.linear(x, self.w), tokens(), w=weight(D, D)),
    ),
    Case(
        "matmul by parameter",
        N * D * D,
        lambda: does(lambda self, x: x @ self.w, tokens(), w=weight(D, D)),
    ),
    Case(
        "bilinear",
        8 * 5 * 7 * 11 + 8 * 5 * 11,  # x1 w: n·o·i·j, then (x1 w) x2: n·o·j
        lambda: layer(nn.Bilinear(7, 11, 5), image(8, 7), image(8, 11)),
    ),
    # [n, k] x [k, m]
    Case("mm", N * D * 100, lambda: called("mm", image(N, D), image(D, 100))),
    Case("mm with out=", N * D * 100, lambda: applied(_matmul_out, image(N, D), image(D, 100))),
    Case("addmm", N * D * 100, lambda: called("addmm", image(100), image(N, D), image(D, 100))),
    Case(
        "addmm in place",
        N * D * 100,
        lambda: applied(
            lambda c, a, b: c.clone().addmm_(a, b), image(N, 100), image(N, D), image(D, 100)
        ),
    ),
    # [b, n, k] x [b, k, m]
    Case("bmm", H * N * 64 * N, lambda: called("bmm", image(H, N, 64), image(H, 64, N))),
    Case(
        "baddbmm",
        H * N * 64 * N,
        lambda: called("baddbmm", image(H, N, N), image(H, N, 64), image(H, 64, N)),
    ),
    Case(
        "addbmm",
        H * N * 64 * N,  # the products are summed over the batch: adds, no products
        lambda: called("addbmm", image(N, N), image(H, N, 64), image(H, 64, N)),
    ),
    Case(
        "matmul, broadcast",
        2 * H * N * 64 * N,  # [2, 1, n, k] x [h, k, n]
        lambda: called("matmul", image(2, 1, N, 64), image(H, 64, N)),
    ),
    Case("matmul with vector", 4 * N * D, lambda: called("matmul", image(4, N, D), image(D))),
    Case("vector with matrices", 4 * D * N, lambda: called("matmul", image(D), image(4, D, N))),
    # vectors
    Case("mv", N * D, lambda: does(lambda self, x: torch.mv(self.w, x), image(D), w=weight(N, D))),
    Case("addmv", N * D, lambda: called("addmv", image(N), image(N, D), image(D))),
    Case("dot", D, lambda: called("dot", image(D), image(D))),
    Case(
        "vdot, complex",
        4 * D,  # a product of complex numbers takes four real ones
        lambda: applied(
            lambda a, b: torch.vdot(torch.complex(a, b), torch.complex(b, a)), image(D), image(D)
        ),
    ),
    Case(
        "outer product",
        0,  # every element is one product of two numbers: nothing is summed
        lambda: called("outer", image(D), image(D)),
    ),
    Case(
        "multiply, then sum",
        0,  # elementwise arithmetic, however it is used
        lambda: applied(lambda a, b: (a * b).sum(-1), image(N, D), image(N, D)),
    ),
    Case(
        "complex matmul",
        4 * N * D * 10,
        lambda: applied(
            lambda a, b: torch.complex(a, a) @ torch.complex(b, b), image(N, D), image(D, 10)
        ),
    ),
    Case(
        "integer matmul",
        32 * 64 * 16,
        lambda: called(
            "mm", torch.ones(32, 64, dtype=torch.int64), torch.ones(64, 16, dtype=torch.int64)
        ),
    ),
    Case(
        "bfloat16 matmul",
        N * D * 100,
        lambda: called("mm", image(N, D).bfloat16(), image(D, 100).bfloat16()),
    ),
    # summations by index
    Case(
        "einsum, 2 operands",
        H * N * N * 64,
        lambda: applied(
            lambda q, k: torch.einsum("bhqd,bhkd->bhqk", q, k),
            image(1, H, N, 64),
            image(1, H, N, 64),
        ),
    ),
    Case(
        "einsum, 3 operands",
        5 * 7 * 11 + 5 * 11 * 13,  # (ab·bc)·cd, the cheaper order too
        lambda: applied(
            lambda a, b, c: torch.einsum("ab,bc,cd->ad", a, b, c),
            image(5, 7),
            image(7, 11),
            image(11, 13),
        ),
    ),
    Case(
        "einsum, elementwise",
        0,
        lambda: applied(lambda a, b: torch.einsum("nd,nd->nd", a, b), image(N, D), image(N, D)),
    ),
    Case(
        "tensordot",
        9 * (10 * 11) * 12,
        lambda: applied(
            lambda a, b: torch.tensordot(a, b, dims=2), image(9, 10, 11), image(10, 11, 12)
        ),
    ),
    Case("inner", N * D * 10, lambda: called("inner", image(N, D), image(10, D))),
    Case(
        "multi_dot",
        5 * 7 * 11 + 5 * 11 * 13,  # the cheaper order of three
        lambda: applied(
            lambda a, b, c: torch.linalg.multi_dot([a, b, c]),
            image(5, 7),
            image(7, 11),
            image(11, 13),
        ),
    ),
    # more than 25 rows: torch multiplies [n, m + 2] by [m + 2, r], the two for the squared norms
    Case(
        "cdist by matmul",
        100 * 90 * (32 + 2),
        lambda: called("cdist", image(100, 32), image(90, 32)),
    ),
    Case(
        "cosine similarity",
        0,  # multiply, then sum
        lambda: called("nn.functional.cosine_similarity", image(N, D), image(N, D)),
    ),
    Case("embedding", 0, lambda: layer(nn.Embedding(50, D), torch.arange(20)[None])),
    Case(
        "layer norm and GELU", 0, lambda: layer(nn.Sequential(nn.LayerNorm(D), nn.GELU()), tokens())
    ),
)
