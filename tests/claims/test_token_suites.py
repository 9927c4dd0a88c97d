"""The suites of papers on tokens: so many claims of each kind of verdict, as they were seen.

The models are counted once for the whole file.
"""

from collections import Counter as Numbers

import pytest

from vtbench.claims.judge import judge
from vtbench.claims.suite.files import find
from vtbench.cli.check import counted
from vtbench.cli.counting import Counter
from vtbench.data.files import ResultFile

VERDICTS = ("holds", "close", "fails", "unknown")
SEEN = {
    "algm": (0, 0, 0, 24),
    "ats": (0, 0, 0, 1),
    "avit": (0, 0, 0, 4),
    "bat": (0, 0, 0, 20),
    "cropr": (1, 0, 0, 4),
    "crossvit": (32, 4, 0, 14),
    "deit": (0, 3, 0, 0),
    "diffrate": (25, 8, 2, 6),
    "dtem": (1, 0, 0, 1),
    "dualtoken_vit": (1, 0, 0, 4),
    "dynamicvit": (3, 4, 0, 12),
    "evit": (14, 1, 0, 15),
    "evovit": (2, 0, 0, 6),
    "ewa": (0, 0, 0, 1),
    "fastvlm": (1, 0, 0, 2),
    "fpet": (0, 0, 0, 2),
    "ggem": (0, 0, 0, 2),
    "gmm": (0, 0, 0, 2),
    "gtp": (2, 5, 0, 1),
    "l2vit": (1, 0, 1, 3),
    "lookupvit": (1, 0, 0, 1),
    "ltmp": (0, 0, 0, 12),
    "mctf": (10, 2, 0, 10),
    "patch_scaling": (1, 0, 0, 1),
    "patchmerger": (2, 0, 0, 0),
    "pitome": (2, 0, 0, 1),
    "ppt": (2, 1, 1, 6),
    "s2aformer": (1, 0, 0, 15),
    "sit": (14, 4, 0, 2),
    "snnetv2": (0, 11, 0, 0),
    "soft": (1, 0, 1, 1),
    "sparsifiner": (0, 0, 1, 2),
    "stvit": (9, 0, 2, 15),
    "token_reduction_abstracts": (0, 0, 0, 8),
    "tokenlearner": (2, 0, 0, 0),
    "tome": (7, 0, 1, 31),
    "tome_class_importance": (0, 0, 0, 27),
    "tomesd": (0, 0, 0, 7),
    "tps": (2, 1, 0, 3),
    "unit": (0, 0, 0, 1),
    "visual_token_abstracts": (0, 0, 0, 28),
    "vitamin": (4, 0, 7, 2),
    "volo": (7, 6, 3, 1),
}
"""Suite -> how many claims hold, are close, fail and cannot be judged."""


NAMED = {
    "deit.benchmark.macs": ("norms_counted", 3, 3),
    "dynamicvit.zoo.macs": ("truncated", 5, 5),
    "sit.teachers.macs": ("norms_counted", 4, 4),
    "snnetv2.stitches.macs": ("norms_counted", 11, 11),
    "vitamin.models.macs": ("fvcore_eval", 6, 7),
}
"""Column -> the reading that is named for it, and how many of its distinct figures that gives."""


@pytest.fixture(scope="module")
def suites():
    return find(list(SEEN))


@pytest.fixture(scope="module")
def verdicts(suites):
    records = counted(suites, Counter(jobs=2), ResultFile(None))
    return {each.claim.id: each for each in judge(suites, records)}


def test_every_claim_says_what_kind_of_source_it_stands_in(suites):
    assert [each.id for suite in suites for each in suite.claims if each.source_kind is None] == []


def test_what_cannot_be_judged_is_known_beforehand_or_needs_a_device(verdicts):
    """A suite that lost a model, or an operator that has no count, would be neither."""
    unknown = [each for each in verdicts.values() if each.verdict == "unknown"]
    timed = ("throughput", "latency")
    assert [
        each.claim.id
        for each in unknown
        if each.claim.unknown is None and each.claim.metric not in timed
    ] == []


def test_every_verdict_is_the_one_expected(verdicts):
    assert [name for name, each in verdicts.items() if not each.as_expected] == []


def test_a_reading_is_named_for_five_columns_and_no_others(verdicts):
    found = {
        each.claim.column: (reading.reading(each.claim.convention), reading.hits, reading.of)
        for each in verdicts.values()
        if (reading := each.reproduced_by) is not None and reading.chance is not None
    }
    assert found == NAMED


@pytest.mark.parametrize("name", SEEN)
def test_so_many_claims_of_a_suite_hold(name, verdicts):
    found = Numbers(each.verdict for each in verdicts.values() if each.claim.suite == name)
    assert tuple(found[verdict] for verdict in VERDICTS) == SEEN[name]
