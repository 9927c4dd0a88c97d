"""Ceilings: maxima of what was seen, kept in a cache that may fail without harm."""

from __future__ import annotations

import json
import warnings
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from vtbench.data.measurement import Device, Telemetry
from vtbench.data.workload import Workload
from vtbench.measure.ceilings import measured as ceilings
from vtbench.measure.ceilings import store as ceiling_store
from vtbench.measure.ceilings.measured import best_rate, datasheet, key_of
from vtbench.measure.ceilings.store import Entry, kept, remembered
from vtbench.measure.clocks import FakeClock

CPU = Device(kind="cpu", name="Processor", memory=1 << 34, cores=2)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own for every test, and nothing remembered from the one before."""
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(ceiling_store, "_this_process", {})
    monkeypatch.setattr(ceiling_store, "_warned", set())
    return tmp_path / "cache" / "ceilings.json"


def forget(monkeypatch):
    """As a new process begins."""
    monkeypatch.setattr(ceiling_store, "_this_process", {})


def test_a_rate_is_the_best_of_all_blocks_of_all_sizes():
    seconds = [9.0, 4.0, 2.0, 5.0]  # the first step of each size warms up
    clock = FakeClock(lambda step: seconds[step % 4])
    found, blocks = best_rate(iter([(8, lambda: None), (40, lambda: None)]), clock)
    # size 8: one step of 4 s, and time is up: 2 units/s; size 40 would take 20 s: left out
    assert (found, blocks) == (8 / 4.0, 1)


def test_steps_that_are_short_are_timed_together():
    clock = FakeClock(lambda _: 0.001)
    found, blocks = best_rate(iter([(10, lambda: None), (20, lambda: None)]), clock)
    assert found == pytest.approx(20 / 0.001)
    assert blocks <= 2 * ceilings.BLOCKS
    assert clock.steps > 2 * ceilings.BLOCKS


def test_arithmetic_that_the_device_lacks_has_no_ceiling():
    def lacks():
        raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")

    assert best_rate(iter([(1, lacks)]), FakeClock(lambda _: 1.0)) == (None, 0)


def test_another_error_is_not_swallowed():
    def broken():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal"):
        best_rate(iter([(1, broken)]), FakeClock(lambda _: 1.0))


def test_entries_are_found_again_by_another_process(monkeypatch, cache):
    remembered("a", Entry(macs_per_second=1e9, bytes_per_second=2e9, device="x", date="today"))
    forget(monkeypatch)
    assert kept("a") == Entry(macs_per_second=1e9, bytes_per_second=2e9, device="x", date="today")
    assert kept("b") is None
    assert json.loads(cache.read_text())["schema"] == "vtbench-ceilings/1"
    assert [path.name for path in cache.parent.iterdir()] == ["ceilings.json"]


def test_a_faster_observation_raises_the_ceiling_and_a_slower_one_does_not(monkeypatch):
    remembered("a", Entry(macs_per_second=5.0, bytes_per_second=7.0, date="1"))
    assert remembered("a", Entry(macs_per_second=4.0, bytes_per_second=6.0, date="2")).date == "1"
    best = remembered("a", Entry(macs_per_second=6.0, bytes_per_second=6.0, date="3"))
    forget(monkeypatch)
    assert kept("a") == best == Entry(macs_per_second=6.0, bytes_per_second=7.0, date="3")


def test_entries_of_others_stay(monkeypatch):
    remembered("a", Entry(macs_per_second=1.0))
    forget(monkeypatch)
    remembered("b", Entry(macs_per_second=2.0))
    forget(monkeypatch)
    assert (kept("a"), kept("b")) == (Entry(macs_per_second=1.0), Entry(macs_per_second=2.0))


def test_what_was_seen_on_a_busy_device_gives_way_to_what_was_seen_on_a_quiet_one():
    remembered("a", Entry(macs_per_second=9.0, bytes_per_second=5.0, date="1", busy=True))
    quiet = remembered("a", Entry(macs_per_second=8.0, bytes_per_second=6.0, date="2"))
    assert quiet == Entry(macs_per_second=9.0, bytes_per_second=6.0, date="2")
    busy = Entry(macs_per_second=7.0, bytes_per_second=5.0, date="3", busy=True)
    assert remembered("a", busy) == quiet


@pytest.mark.parametrize("text", ["{", '{"schema": "vtbench-ceilings/1", "entries": 3}', "\xff"])
def test_a_corrupt_cache_is_said_once_and_replaced(cache, text):
    cache.parent.mkdir()
    cache.write_text(text, encoding="latin-1")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert kept("a") is None
        assert kept("a") is None
        remembered("a", Entry(macs_per_second=1.0))
    (one,) = said
    assert "cannot be read" in str(one.message)
    assert "macs_per_second" in cache.read_text()


def test_a_cache_of_another_schema_is_left_out(cache):
    cache.parent.mkdir()
    cache.write_text('{"schema": "vtbench-ceilings/9", "entries": {"a": {"macs_per_second": 1}}}')
    assert kept("a") is None


def test_without_a_place_for_a_cache_everything_works(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        remembered("a", Entry(macs_per_second=1.0))
        remembered("b", Entry(macs_per_second=2.0))
    (one,) = said
    assert "cannot be kept" in str(one.message)
    assert kept("a") == Entry(macs_per_second=1.0)


def test_the_cache_lies_where_the_system_wants_it(monkeypatch, tmp_path):
    monkeypatch.delenv("VTBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ceiling_store.folder() == tmp_path / "vtbench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert ceiling_store.folder() == tmp_path / "home" / ".cache" / "vtbench"


def seen(monkeypatch, *entries):
    """What measuring gives, one entry after the other."""
    found = iter(entries)
    monkeypatch.setattr(ceilings, "_measured", lambda *_: next(found))


def test_ceilings_are_measured_once(monkeypatch):
    seen(monkeypatch, Entry(macs_per_second=2.0), Entry(macs_per_second=3.0))
    work = Workload(model="net", threads=2)
    assert ceilings.ceilings(CPU, work).macs_per_second == 2.0
    assert ceilings.ceilings(CPU, work).macs_per_second == 2.0
    assert ceilings.ceilings(CPU, work, again=True).macs_per_second == 3.0


def test_those_of_a_busy_device_are_measured_again_after_an_hour(monkeypatch):
    now = datetime.now(timezone.utc)
    dates = [(now - timedelta(minutes=each)).isoformat() for each in (61, 59)]
    first, second = (Entry(macs_per_second=2.0, date=date, busy=True) for date in dates)
    seen(monkeypatch, first, msgspec.structs.replace(second, macs_per_second=3.0))
    work = Workload(model="net", threads=2)
    assert ceilings.ceilings(CPU, work).macs_per_second == 2.0
    assert ceilings.ceilings(CPU, work).macs_per_second == 3.0
    assert ceilings.ceilings(CPU, work).macs_per_second == 3.0


def test_a_key_names_all_that_a_ceiling_depends_on():
    keys = {
        key_of(CPU, "fp32", 1),
        key_of(CPU, "fp32", 2),
        key_of(CPU, "bf16", 1),
        key_of(Device(kind="cuda", name="NVIDIA H200", index=0), "fp32", None),
        key_of(Device(kind="cuda", name="NVIDIA H200", index=0, partition="1g.18gb"), "fp32", None),
    }
    assert len(keys) == 5
    assert all("torch" in key for key in keys)


def test_the_datasheet_counts_multiply_adds_once():
    h200 = Device(kind="cuda", name="NVIDIA H200", index=0)
    assert datasheet(h200, "bf16").macs_per_second == 989.5e12 / 2
    assert datasheet(h200, "fp32").macs_per_second == 67e12 / 2
    assert datasheet(h200, "bf16").bytes_per_second == 4800e9
    assert datasheet(h200, "fp64").macs_per_second is None
    assert datasheet(CPU, "fp32").macs_per_second is None
    part = Device(kind="cuda", name="NVIDIA H200", index=0, partition="1g.18gb")
    assert datasheet(part, "bf16").bytes_per_second is None


def test_a_processor_really_multiplies_and_copies(monkeypatch, cache):
    """Small sizes, and a watcher that saw nothing: the whole road, quickly."""
    monkeypatch.setattr(ceilings, "SIZES", {"cpu": (64,)})
    monkeypatch.setattr(ceilings, "COPIED", {"cpu": 1 << 20})
    monkeypatch.setattr(ceilings, "SECONDS", 0.02)

    class Clean:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def telemetry(self):
            return Telemetry(verdict="clean")

    monkeypatch.setattr(ceilings, "watching", lambda *_: Clean())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ceilings.ceilings(CPU, Workload(model="net", threads=1))
    assert 1e6 < found.macs_per_second < 1e14
    assert 1e6 < found.bytes_per_second < 1e14
    (entry,) = json.loads(cache.read_text())["entries"].values()
    assert entry["device"] == "Processor"
    assert entry["samples"] >= 2


def test_without_a_home_nothing_is_kept(monkeypatch):
    monkeypatch.delenv("VTBENCH_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(ceiling_store.Path, "home", _no_home)
    with pytest.warns(UserWarning, match="cannot be kept in"):
        remembered("a", Entry(macs_per_second=1.0))
    assert kept("a") == Entry(macs_per_second=1.0)


def _no_home():
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.parametrize("value", ["0", "-1", "1e-320", "1e308", "[" * 5_000 + "]" * 5_000, "NaN"])
def test_a_cache_that_was_tampered_with_is_measured_again(cache, value):
    cache.parent.mkdir()
    entry = f'{{"a": {{"macs_per_second": {value}}}}}'
    cache.write_text(f'{{"schema": "vtbench-ceilings/1", "entries": {entry}}}')
    with pytest.warns(UserWarning, match="cannot be read"):
        assert kept("a") is None
