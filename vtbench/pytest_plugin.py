"""Claims as tests: ``pytest --vtbench SUITE`` collects them, ``assert_macs`` guards one model.

Loading this costs nothing: whatever it needs is imported when a claim is collected or the fixture
is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from vtbench.api.counts import Count
    from vtbench.claims.judge import Verdict
    from vtbench.claims.suite import Suite

SHOWN = 3
"""So many parts of a model are named where it costs too much."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--vtbench``, and leave to run what a suite names."""
    group = parser.getgroup("vtbench", "efficiency claims")
    group.addoption(
        "--vtbench",
        action="append",
        default=[],
        metavar="SUITE|FILE|FOLDER",
        help="collect each claim of these suites as a test; repeatable",
    )
    group.addoption(
        "--vtbench-allow-imports",
        action="store_true",
        help="let a suite name package.module:function, which is then run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Suites are looked for where they lie, beside the paths that were given."""
    asked = config.getoption("--vtbench")
    if not asked:
        return
    files = [str(path) for name in asked for path in _files(name)]
    config.args += [file for file in files if file not in config.args]


def _files(name: str) -> list[Path]:
    """The suite files that a name stands for: a file, every one of a folder, or one that ships."""
    path = Path(name)
    if path.is_dir():
        found = sorted(each.resolve() for each in path.glob("*.toml"))
        if not found:
            raise pytest.UsageError(f"The folder {name} of --vtbench holds no suite (*.toml).")
        return found
    if path.is_file():
        return [path.resolve()]
    from vtbench.claims.suite.files import shipped

    if name not in shipped():
        known = ", ".join(shipped())
        raise pytest.UsageError(
            f"--vtbench {name}: there is no such file or suite; the shipped suites are {known}."
        )
    return [shipped()[name].resolve()]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A suite that was asked for."""
    asked = parent.config.getoption("--vtbench")
    if file_path.suffix != ".toml" or not asked:
        return None
    if file_path.resolve() not in {path for name in asked for path in _files(name)}:
        return None
    suite: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
    return suite


class SuiteFile(pytest.File):
    """A suite: its claims are judged together, once, when the first of them is run."""

    _verdicts: dict[str, Verdict] | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each claim."""
        for claim in self._read().claims:
            yield ClaimItem.from_parent(self, name=claim.id)

    def _read(self) -> Suite:
        from vtbench.api.choosing import refuse_code
        from vtbench.claims.suite import read_suite
        from vtbench.errors import VtbenchError

        try:
            suite = read_suite(self.path)
            if not self.config.getoption("--vtbench-allow-imports"):
                refuse_code([suite])
        except VtbenchError as error:
            said = str(error).replace("--allow-imports", "--vtbench-allow-imports")
            raise self.CollectError(said) from error
        return suite

    def verdict(self, claim: str) -> Verdict:
        """The verdict on a claim; what was deselected is neither counted nor judged."""
        if self._verdicts is None:
            from vtbench.claims.judge import judge
            from vtbench.claims.suite.names import bearing_on

            items = (item for item in self.session.items if item.parent is self)
            suite = bearing_on(self._read(), [item.name for item in items])
            found = judge([suite], _counted(suite))
            self._verdicts = {verdict.claim.id: verdict for verdict in found}
        return self._verdicts[claim]


def _counted(suite: Suite) -> dict[Any, Any]:
    """A record for each workload that the claims speak of."""
    from vtbench.claims.judge import wanted
    from vtbench.cli.counting import count_one
    from vtbench.data.record import Record
    from vtbench.measure.workers import in_turn

    asked = wanted([suite])
    outcomes = dict(in_turn(lambda work: count_one(work, settings={}), asked))
    return {
        work: outcomes[place].result or Record(workload=work, error=outcomes[place].error)
        for place, work in enumerate(asked)
    }


class ClaimItem(pytest.Item):
    """One printed figure, held against the model."""

    def runtest(self) -> None:
        """Fail if the verdict is not the expected one; skip what cannot be judged here."""
        from vtbench.report.checking import sentence

        assert isinstance(self.parent, SuiteFile)  # noqa: S101  # only suites make claims
        verdict = self.parent.verdict(self.name)
        if not verdict.as_expected:
            expected = verdict.claim.expect
            raise NotAsExpected(f"{sentence(verdict)}\nexpected: {expected}. {verdict.reason}")
        if verdict.verdict == "unknown":
            pytest.skip(f"{verdict.unknown}: {verdict.reason}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> Any:
        """A claim's failure is a sentence, not a traceback."""
        if isinstance(excinfo.value, NotAsExpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands."""
        return self.path, None, self.name


class NotAsExpected(AssertionError):
    """A claim's verdict is another than its suite expects."""


@pytest.fixture
def assert_macs() -> Callable[..., Count]:
    """Assert what a model costs: ``assert_macs(model, *inputs, at_most=4.1e9)``, or ``exactly=``.

    A module takes its inputs, a name makes its own (``assert_macs("resnet50", at_most=4.1e9)``);
    keywords go to ``vtbench.count``. The count comes back for more assertions.
    """
    return _assert_macs


def _assert_macs(
    model: Any,
    *inputs: Any,
    at_most: float | None = None,
    exactly: int | None = None,
    **keywords: Any,
) -> Count:
    __tracebackhide__ = True
    import vtbench

    if at_most is None and exactly is None:
        raise TypeError("assert_macs needs at_most= or exactly=; give at least one of them.")
    found: Count = vtbench.count(model, *inputs, **keywords)
    name = model if isinstance(model, str) else type(model).__name__
    if not found.complete:
        ops = ", ".join(dict.fromkeys(row.op for row in found.record.unknown))
        _fail(f"{name} has unknown operators, so {found.macs:,} MACs are a lower bound: {ops}.")
    if at_most is not None and found.macs > at_most:
        _fail(f"{name} takes {found.macs:,} MACs, more than {at_most:,.0f}. {_costliest(found)}")
    if exactly is not None and found.macs != exactly:
        by = found.macs - exactly
        _fail(f"{name} takes {found.macs:,} MACs, not {exactly:,} ({by:+,}). {_costliest(found)}")
    return found


def _fail(message: str) -> NoReturn:
    __tracebackhide__ = True
    raise AssertionError(message)


def _costliest(found: Count) -> str:
    from vtbench.report import breakdown

    stages = sorted(breakdown(found.record, "stage"), key=lambda part: -part.macs)[:SHOWN]
    return "The costliest: " + ", ".join(f"{part.name} {part.macs:,}" for part in stages) + "."
