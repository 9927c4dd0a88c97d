"""Every installed counter on every micro-case, and ours beside them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from vtbench.count.cases import CASES, Case, given
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.peers.counters import Peer, chosen, is_installed
from vtbench.count.peers.running import tally_of
from vtbench.count.peers.tally import ModelCall, NoTally
from vtbench.data.conformance import OURS, CaseResults, Conformance, Result
from vtbench.data.version import VERSION
from vtbench.errors import BadOption, ModelError


def selected(pattern: str | None) -> tuple[Case, ...]:
    """The cases whose name matches a pattern, or holds it, whatever the case of its letters."""
    if pattern is None:
        return CASES
    wanted = f"*{pattern.lower()}*"
    found = tuple(case for case in CASES if fnmatch.fnmatchcase(case.name.lower(), wanted))
    if not found:
        raise BadOption(
            f"--cases: no case matches {pattern!r}; `vtbench conformance --counters torch` "
            "shows all cases."
        )
    return found


def conformance(
    counters: Sequence[str], cases: Sequence[Case], done: Callable[[str], None] = lambda _: None
) -> Conformance:
    """Run the counters on the cases; ``done`` is told of each case that is finished."""
    picked = chosen(counters)
    peers = [peer for peer in picked if is_installed(peer)]
    results = []
    for case in cases:
        results.append(_results(case, peers))
        done(case.name)
    return Conformance(
        cases=tuple(results),
        versions={OURS: VERSION, **{peer.name: _version(peer) for peer in peers}},
        absent=tuple(peer.name for peer in picked if peer not in peers),
    )


def _results(case: Case, peers: Sequence[Peer]) -> CaseResults:
    said = {peer.name: _theirs(peer, case) for peer in peers}
    return CaseResults(name=case.name, truth=case.truth, results={OURS: _ours(case), **said})


def _ours(case: Case) -> Result:
    module, args, kwargs = given(case)
    try:
        counted = count_module(module, (args, kwargs), CountSettings(ops=case.ops()))
    except ModelError as error:
        return Result(macs=None, right=False, error=str(error))
    macs = sum(row.macs for row in counted.rows)
    complete = all(row.status != "unknown" for row in counted.rows)
    right = not complete if case.truth is None else complete and macs == case.truth
    return Result(macs=macs, right=right, complete=complete)


def _theirs(peer: Peer, case: Case) -> Result:
    said = tally_of(peer, lambda: ModelCall(*given(case)))
    if isinstance(said, NoTally):
        return Result(macs=None, right=False, error=said.reason, crashed=said.crashed)
    return Result(macs=said.macs, right=case.truth is not None and said.macs == case.truth)


def _version(peer: Peer) -> str:
    try:
        return version(peer.name).partition("+")[0]
    except PackageNotFoundError:  # found on the path, without a distribution
        return "unknown"
