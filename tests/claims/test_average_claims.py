"""Averages over inputs: judged by the interval of the mean of counts made by hand."""

import msgspec
import pytest

from tests.claims.test_judge import net, suite
from vtbench.claims.judge import judge, wanted
from vtbench.data.distribution import Distribution, InputSet
from vtbench.errors import BadSuite


def over(*millions, complete=True):
    """A record of one net over inputs that cost so many millions."""
    work, record = net("net", int(millions[0] * 10**6))
    values = tuple(int(each * 10**6) for each in millions)
    found = Distribution(over=InputSet(source="images"), values=values, complete=complete)
    return work, msgspec.structs.replace(record, distribution=found)


def claim(printed, extra="", metric="macs"):
    return (f'[[claim]]\nid = "c"\nwhere = "text"\nmetric = "{metric}"\nprinted = "{printed}"\n'
            f'unit = "M"\naverage = true\nworkload = {{ model = "net" }}\n{extra}')  # fmt: skip


def verdict(folder, body, *records):
    (found,) = judge([suite(folder, body)], dict(records))
    return found


# Of 9, 10, 11, 10 the mean is 10; its deviation is sqrt(2/3) = 0.8165, over sqrt(4) 0.408, and the
# t quantile of 3 degrees is 3.182: 8.70 to 11.30.
SPREAD = (9, 10, 11, 10)


@pytest.mark.parametrize(
    ("printed", "extra", "outcome", "unknown"),
    [
        ("1e1", "", "holds", None),  # 5 to 15
        ("10", "", "unknown", "not-measured"),  # 9.5 to 10.5 is narrower than the mean is known
        ("12", "", "close", None),  # 11.5 is 0.2 beyond 11.3, of 12 less than 2 %
        ("13", "", "fails", None),
        ("8", 'relation = "more_than"\n', "holds", None),
        ("9", 'relation = "more_than"\n', "unknown", "not-measured"),
        ("12", 'relation = "more_than"\n', "fails", None),
    ],
)
def test_an_average_is_judged_by_the_interval_of_its_mean(
    tmp_path, printed, extra, outcome, unknown
):
    found = verdict(tmp_path, claim(printed, extra), over(*SPREAD))
    assert (found.verdict, found.unknown) == (outcome, unknown)
    assert float(found.measured) == pytest.approx(10_000_000)
    assert found.reason.startswith("The mean over 4 inputs of images is 8.70")


def test_operations_are_two_to_a_multiply_accumulate(tmp_path):
    found = verdict(tmp_path, claim("2e1", metric="flops"), over(*SPREAD))
    assert (found.verdict, float(found.measured)) == ("holds", pytest.approx(20_000_000))


def test_an_average_is_not_counted_by_a_check_and_says_how_to(tmp_path):
    read = suite(tmp_path, claim("10"))
    assert wanted([read]) == []
    for records in ({}, dict([net("net", 10_000_000)])):
        (found,) = judge([read], records)
        assert (found.verdict, found.unknown) == ("unknown", "not-measured")
        assert "--inputs FOLDER --save FILE" in found.reason


def test_an_average_of_lower_bounds_is_unknown(tmp_path):
    found = verdict(tmp_path, claim("10"), over(*SPREAD, complete=False))
    assert (found.unknown, found.as_expected) == ("op", False)


@pytest.mark.parametrize(
    ("extra", "said"),
    [('stages = ["a"]\n', "average: it is of a whole model"),
     ('convention = "fvcore_eval"\n', "average: inputs are counted in macs")],
)  # fmt: skip
def test_what_has_no_average_is_refused(tmp_path, extra, said):
    with pytest.raises(BadSuite, match=said):
        suite(tmp_path, claim("10", extra))


def test_what_follows_from_averages_is_known_to_their_intervals(tmp_path):
    """8.7 to 11.3 over 9.99 to 10.01: a ratio of 1.0 that is known to 0.87 to 1.13."""
    work, first = over(*SPREAD)
    other = msgspec.structs.replace(work, model="other")
    values = tuple(int(each * 10**6) for each in (10, 10.01, 9.99, 10))
    tight = Distribution(over=InputSet(source="images"), values=values)
    second = msgspec.structs.replace(first, workload=other, distribution=tight)
    body = claim("1e1") + claim("1e1").replace('"c"', '"d"').replace('"net"', '"other"')
    body += ('[[claim]]\nid = "r"\nwhere = "w"\nkind = "ratio"\nmetric = "macs"\nunit = "x"\n'
             'printed = "1.0"\nof = "s.c / s.d"\n')  # fmt: skip
    records = {work: first, other: second}
    found = {
        v.claim.id: v
        for v in judge([suite(tmp_path, body.replace("s.c", "c").replace("s.d", "d"))], records)
    }
    assert (found["s.r"].verdict, found["s.r"].unknown) == ("unknown", "not-measured")
    assert found["s.r"].reason.startswith("By the intervals of the means it is 0.86")
