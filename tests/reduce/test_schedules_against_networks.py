"""The analytic twin against the networks, written apart: settings that nobody published.

Neither knows the other. The rules are exact for any host, image and list of settings, so these are
chosen where rules round, meet a limit, or take what is odd.
"""

from __future__ import annotations

import pytest

from vtbench.count.count_workload import count_workload
from vtbench.data.cost import cost_model
from vtbench.data.reduction_methods import methods_there
from vtbench.data.workload import Workload, freeze_options

CASES = [
    ("tome_deit_s", {"r": 7}, None),
    ("tome_deit_t", {"tokens": 55}, None),
    ("tome_vit_l", {"r": 20}, None),
    ("tome_vit_l", {"r": 9}, (384, 320)),
    ("evit_deit_b", {"keep_rate": 0.55, "fused_token": False}, None),
    ("evit_deit_t", {"keep_rate": (0.9, 0.8, 0.2), "blocks": (1, 2, 3)}, (320, 320)),
    ("evit_deit_t", {"keep_rate": (0.9, 0.5, 0.3), "rounding": "int_original"}, None),
    ("topk_deit_t", {"keep_rate": 0.35}, (160, 288)),
    ("topk_deit_t", {"keep_rate": 0.7}, (320, 320)),
    ("topk_deit_t", {"keep_rate": (0.5, 0.6, 0.7), "rounding": "ceil_current"}, None),
    ("topk_deit_t", {"tokens": 100}, None),
    ("random_deit_t", {"keep_rate": 0.2}, None),
    ("sinkhorn_deit_t", {"keep_rate": 0.6, "blocks": (2, 5)}, None),
    ("sinkhorn_deit_t", {"keep_rate": 1.0}, None),
    ("patchmerger_deit_t", {"keep_rate": 0.5}, None),
    ("patchmerger_deit_t", {"merged": 8}, None),
    ("tokenlearner_deit_t", {}, None),
    ("tokenlearner_deit_t", {"learned": 5, "block": 4, "version": "v1"}, None),
    ("dpcknn_deit_t", {"keep_rate": 0.4}, None),
    ("dpcknn_deit_t", {"keep_rate": 0.7}, (96, 96)),
    ("kmedoids_deit_t", {"keep_rate": (0.9, 0.5, 0.3)}, None),
    ("sit_deit_t", {"keep_rate": (0.9, 0.5, 0.3)}, None),
    ("atc_deit_t", {"keep_rate": 0.33}, None),
    ("ats_deit_t", {"keep_rate": (0.9, 0.5, 0.3)}, None),
    ("avit_deit_t", {}, None),
    ("tofu_deit_t", {"ratio": 0.5}, None),
    ("tofu_deit_t", {"ratio": 0.93}, None),
    ("pitome_deit_t", {"ratio": (1, 1, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.6, 0.6, 0.5, 0.5)}, None),
    ("dtem_deit_t", {"r": 40}, None),
    ("dtem_vit_l", {"r": 5}, None),
    ("dtem_deit_t", {"feature_dim": 32}, None),
    ("mctf_deit_t", {"r": 20}, None),
    ("mctf_deit_t", {"r": 0.2, "blocks": (2, 4, 6, 8)}, None),
    ("mctf_deit_t", {"r": (16, 8, 4), "blocks": (1, 3, 8)}, None),
    ("dynamicvit_deit_t", {"keep_rate": (0.9, 0.8, 0.2), "blocks": (1, 2, 3)}, None),
    ("dtps_deit_t", {"keep_rate": 1.0}, None),
    ("gtp_deit_t", {"r": (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)}, None),
    ("gtp_deit_t", {"r": 5, "token_scale": True}, None),
    ("gtp_deit_t", {"r": 16, "graph": "spatial"}, None),
    ("ltmp_deit_t", {"fixed": True, "r": 9}, None),
    ("ltmp_deit_t", {"theta_m": 1.0}, None),
    ("fpet_deit_t", {"r_layer": 3}, (240, 240)),
    ("tomesd_deit_t", {"ratio": 0.37}, (240, 176)),
    ("tomesd_deit_t", {"ratio": 0.6, "merge_mlp": True, "sx": 3, "sy": 2}, None),
    ("diffrate_deit_s", {"schedule": "2.3"}, None),
    ("evovit_deit_t", {"keep_rate": (0.6, 0.3), "blocks": (2, 7)}, None),
    ("ppt_deit_t", {"r": (10, 20, 30)}, None),
    ("cropr_deit_t", {"r": 5, "llf": True}, None),
    ("cropr_deit_t", {"r": 0}, None),
    ("cropr_deit_t", {"keep_rate": 0.6, "queries": 3, "key_projection": True}, None),
    ("dct_deit_t", {"ratio": 0.83}, None),
    ("dct_deit_t", {"r": 11}, None),
    ("gridpool_deit_t", {"stride": 2, "blocks": (3, 8)}, (240, 176)),
]


@pytest.mark.parametrize(("name", "options", "resolution"), CASES)
def test_rule_and_network_count_the_same(name, options, resolution):
    if name.partition("_")[0] not in methods_there():
        pytest.skip("there is no such network")
    model = cost_model(name)
    at = model.values_for(options.items(), resolution)
    record = count_workload(
        Workload(model=name, options=freeze_options(options), resolution=resolution)
    )
    assert record.complete
    # pairwise distances are counted, and stand beside the total of the rule
    assert record.macs == model.macs(at) + model.reduced(model.resolved(at)).distances
