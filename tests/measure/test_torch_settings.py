"""What a measurement changes for the whole process: as the workload says, and taken back."""

import pytest
import torch

from vtbench import errors
from vtbench.data.workload import Workload
from vtbench.measure.session import torch_settings
from vtbench.measure.session.torch_settings import torch_set_for

NEWER = hasattr(torch.backends.cuda.matmul, "fp32_precision")
newer = pytest.mark.skipif(not NEWER, reason="this torch has the older switches of TF32 only")


def switched():
    """Every switch, as torch tells it."""
    found = {
        "threads": torch.get_num_threads(),
        "search": torch.backends.cudnn.benchmark,
        "cublas": torch.backends.cuda.matmul.allow_tf32,
        "cudnn": torch.backends.cudnn.allow_tf32,
        "highest": torch.get_float32_matmul_precision(),
        "flash": torch.backends.cuda.flash_sdp_enabled(),
        "math": torch.backends.cuda.math_sdp_enabled(),
    }
    if NEWER:
        for name in ("cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv"):
            library, kind = name.split(".")
            found[name] = getattr(getattr(torch.backends, library), kind).fp32_precision
    return found


def lent(**conditions):
    """The switches under a workload."""
    with torch_set_for(Workload(model="toy", **conditions)):
        return switched()


def test_fp32_is_without_tf32_whichever_switch_is_read():
    # torch.compile and others read the older switches, which torch refuses to tell where the newer
    # ones contradict them
    found = lent(device="cuda")
    assert (found["cublas"], found["cudnn"], found["highest"]) == (False, False, "highest")
    if NEWER:
        assert {found["cuda.matmul"], found["cudnn.conv"], found["cudnn.rnn"]} == {"ieee"}


def test_tf32_is_on_whichever_switch_is_read():
    found = lent(device="cuda", dtype="tf32")
    assert (found["cublas"], found["cudnn"], found["highest"]) == (True, True, "high")
    if NEWER:
        assert {found["cuda.matmul"], found["cudnn.conv"], found["cudnn.rnn"]} == {"tf32"}
        assert found["mkldnn.matmul"] == "ieee"


@newer
def test_bf32_is_of_the_processor_alone():
    backends = torch.backends
    with torch_set_for(Workload(model="toy", dtype="bf32")):
        assert (backends.mkldnn.matmul.fp32_precision, backends.mkldnn.conv.fp32_precision) == (
            "bf16",
            "bf16",
        )
        assert backends.cuda.matmul.fp32_precision == "ieee"
        assert backends.cuda.matmul.allow_tf32 is False


def test_threads_search_and_kernel_are_the_workloads():
    other = 1 + torch.get_num_threads() % 2
    found = lent(threads=other, cudnn_benchmark=False, attention="math")
    assert (found["threads"], found["search"]) == (other, False)
    assert (found["flash"], found["math"]) == (False, True)


@pytest.mark.parametrize("dtype", ["fp32", "tf32", pytest.param("bf32", marks=newer)])
def test_all_of_it_is_taken_back_also_from_a_step_that_raises(dtype):
    before = switched()
    other = 1 + torch.get_num_threads() % 2

    def broken():
        with torch_set_for(Workload(model="toy", dtype=dtype, threads=other, attention="math")):
            raise ValueError(dtype)

    with pytest.raises(ValueError, match=dtype):
        broken()
    assert switched() == before


def test_what_a_caller_had_set_is_taken_back():
    with torch_set_for(Workload(model="toy", dtype="tf32", device="cuda")):
        before = switched()
        lent(device="cuda")
        assert switched() == before


def test_bf32_needs_a_torch_that_has_it(monkeypatch):
    monkeypatch.setattr(torch_settings, "_PRECISIONS", ())
    with pytest.raises(errors.BadOption, match="no bf32"):
        lent(dtype="bf32")
