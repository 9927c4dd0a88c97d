"""VT-ResNets count what their papers' figures add up to, to the last digit."""

import pytest

from vtbench.run import run
from vtbench.workload import Workload, freeze_options

# name, tokens: weights and MACs at 224x224, batch 1
V3 = {
    ("vt_r18", 16): (12_764_608, 1_586_670_592),
    ("vt_r18", 8): (12_762_560, 1_517_389_312),
    ("vt_r34", 8): (18_019_904, 3_151_505_408),
    ("vt_r34", 16): (18_021_952, 3_217_354_752),
    ("vt_r50", 4): (21_388_864, 3_412_345_856),
    ("vt_r50", 8): (21_392_960, 3_456_002_048),
    ("vt_r101", 4): (40_328_768, 7_124_567_040),
    ("vt_r101", 8): (40_332_864, 7_168_223_232),
}


def counted(model, **options):
    return run(Workload(model=model, options=freeze_options(options)))


@pytest.mark.parametrize(("name", "tokens"), V3)
def test_v3_nets_are_exact_integers(name, tokens):
    record = counted(name, tokens=tokens)
    assert (record.parameters.weights, record.macs) == V3[name, tokens]
    assert record.complete
