"""Weights as training scripts write them: what is read, what is told, and what never runs."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import pickle
import shutil
import subprocess
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from vtbench.data.notice import Notice
from vtbench.errors import BadInput
from vtbench.models import checkpoints
from vtbench.models.checkpoints import load, read

ZIP = {"zip": True, "legacy": False}
BROUGHT = {"model": 1.0, "model_ema": 2.0, "model_best": 3.0}


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    """Notices are given once in a process."""
    monkeypatch.setattr(checkpoints, "_told", set())


def weights(value, prefix=""):
    """Of a linear layer, all the same number."""
    with torch.no_grad():
        net = nn.Linear(2, 3)
        for parameter in net.parameters():
            parameter.fill_(value)
    state = net.state_dict()
    return collections.OrderedDict((f"{prefix}{name}", state[name]) for name in state)


@contextlib.contextmanager
def module_with_config():
    """What ``import yacs.config`` brings where a file was written: a dict with a state."""

    def init(self, items):
        dict.__init__(self, items)
        self.__dict__.update(__immutable__=True, __deprecated_keys__=set(), __renamed_keys__={})

    before = {name: sys.modules.get(name) for name in ("yacs", "yacs.config")}
    package, module = types.ModuleType("yacs"), types.ModuleType("yacs.config")
    module.CfgNode = type("CfgNode", (dict,), {"__module__": "yacs.config", "__init__": init})
    package.config = module
    sys.modules.update({"yacs": package, "yacs.config": module})
    try:
        yield module.CfgNode
    finally:
        for name, was in before.items():
            del sys.modules[name]
            if was is not None:
                sys.modules[name] = was


def as_their_script_saves(path, *, ema=True, zipped=True, prefix=""):
    """Weights beside the optimiser's state, a schedule, an accuracy, an epoch, and the options."""
    net = nn.Linear(2, 3)
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    with module_with_config() as node:
        saved = {
            "model": weights(BROUGHT["model"], prefix),
            "model_best": weights(BROUGHT["model_best"]) if ema else None,
            "model_ema": weights(BROUGHT["model_ema"], prefix) if ema else None,
            "optimizer": optimizer.state_dict(),
            "lr_scheduler": schedule.state_dict(),
            "max_accuracy": 81.0,
            "epoch": 299,
            "config": node({"TRAIN": node({"EPOCHS": 300}), "TAG": "t", "SIZES": [7, 9]}),
        }
        torch.save(saved, path, _use_new_zipfile_serialization=zipped)


@pytest.mark.parametrize("zipped", ZIP.values(), ids=ZIP)
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("ema", [True, False])
def test_a_training_script_s_checkpoint_is_read_and_the_rest_named(tmp_path, zipped, prefix, ema):
    path = tmp_path / "ckpt.pth"
    as_their_script_saves(path, ema=ema, zipped=zipped, prefix=prefix)
    net = nn.Linear(2, 3)
    with pytest.warns(Notice) as told:
        load(net, path, "it")
    read_from, others = ("model_ema", "model, model_best") if ema else ("model", "")
    assert torch.equal(net.weight, torch.full((3, 2), BROUGHT[read_from]))
    assert torch.equal(net.bias, torch.full((3,), BROUGHT[read_from]))
    others += ", " if others else ""
    assert len(told) == 1
    assert str(told[0].message) == (
        f"Of {str(path)!r}, {read_from} is read; ignored are {others}optimizer, lr_scheduler, "
        "max_accuracy, epoch, config; no code of yacs.config.CfgNode was run."
    )


def test_the_class_of_the_options_is_not_imported(tmp_path, monkeypatch):
    """A module of that name that lies about is left alone."""
    path = tmp_path / "ckpt.pth"
    as_their_script_saves(path)
    (tmp_path / "yacs").mkdir()
    (tmp_path / "yacs" / "__init__.py").write_text("")
    (tmp_path / "yacs" / "config.py").write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    assert read(path).unmade == ("yacs.config.CfgNode",)
    assert not {name for name in set(sys.modules) - before if name.startswith("yacs")}


def test_a_notice_is_given_once_and_not_for_a_state_dict(tmp_path, recwarn):
    torch.save(weights(1.0), tmp_path / "plain.pth")
    torch.save({"state_dict": weights(1.0), "epoch": 3}, tmp_path / "one.pth")
    torch.save({"state_dict": weights(1.0)}, tmp_path / "nest.pth")
    for name in ("plain.pth", "nest.pth", "one.pth", "one.pth"):
        load(nn.Linear(2, 3), tmp_path / name, "it")
    assert [str(each.message) for each in recwarn] == [
        f"Of {str(tmp_path / 'one.pth')!r}, state_dict is read; ignored is epoch."
    ]


def test_keys_of_averaged_weights():
    """Of two the average is taken, by timm's name too; one that is empty is not."""
    kept, average = weights(1.0), weights(2.0)
    for held, taken in (
        ({"state_dict": kept, "state_dict_ema": average}, ("state_dict_ema",)),
        ({"model": kept, "model_ema": {}}, ("model",)),
        ({"model": {"state_dict": kept}, "model_ema": None}, ("model", "state_dict")),
    ):
        buffer = io.BytesIO()
        torch.save(held, buffer)
        assert checkpoints._nested(torch.load(io.BytesIO(buffer.getvalue()))).taken == taken


@pytest.mark.parametrize("zipped", ZIP.values(), ids=ZIP)
def test_numbers_of_numpy_and_paths_are_passed_over(tmp_path, zipped):
    path = tmp_path / "ckpt.pth"
    beside = {"accuracy": np.float64(81.0), "history": np.arange(3.0), "file": tmp_path}
    torch.save({"model": weights(4.0), **beside}, path, _use_new_zipfile_serialization=zipped)
    found = read(path)
    assert torch.equal(found.tensors["bias"], torch.full((3,), 4.0))
    assert found.ignored == ("accuracy", "history", "file")


class Calls:
    def __init__(self, function, *arguments):
        self.asked = function, arguments

    def __reduce__(self):
        return self.asked


HOSTILE = {
    "os.system": lambda mark: Calls(os.system, f"touch {mark}"),
    "eval": lambda mark: Calls(eval, f"open({str(mark)!r}, 'w')"),
    "open": lambda mark: Calls(open, str(mark), "w"),
    "exec": lambda mark: Calls(exec, f"open({str(mark)!r}, 'w')"),
    "pathlib": lambda mark: Calls(type(mark).touch, mark),
    "subprocess": lambda mark: Calls(subprocess.getoutput, f"touch {mark}"),
    "a method of torch": lambda mark: Calls(torch.save, {}, str(mark)),
}


@pytest.mark.parametrize("zipped", ZIP.values(), ids=ZIP)
@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("kind", HOSTILE)
def test_what_a_file_asks_for_is_not_run(tmp_path, kind, beside, zipped):
    """Beside the weights or in their place; refused, though the weights could be read."""
    mark, path = tmp_path / "mark", tmp_path / "hostile.pth"
    asked = HOSTILE[kind](mark)
    held = {"model": weights(1.0), "config": asked} if beside else {"model": asked}
    torch.save(held, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(BadInput, match="nothing in them was run") as raised:
        read(path)
    assert not mark.exists()
    assert str(raised.value).startswith(f"The weights {str(path)!r} hold more than tensors")
    mark_of_itself = tmp_path / "itself"  # the same file does run where pickle reads it
    if kind == "open" and not zipped:
        pickle.loads(pickle.dumps(HOSTILE[kind](mark_of_itself))).close()  # noqa: S301 - ours
        assert mark_of_itself.exists()


def test_the_call_that_is_refused_is_named(tmp_path):
    torch.save({"model": weights(1.0), "config": Calls(shutil.rmtree, "it")}, tmp_path / "p.pth")
    with pytest.raises(BadInput, match=r"more than tensors \(a call of shutil\.rmtree\), or"):
        read(tmp_path / "p.pth")


class Sets:
    """An object whose state its class would set by code of its own."""

    def __setstate__(self, state):
        raise AssertionError("it ran")

    def __getstate__(self):
        return {"a": 1}


def test_no_code_of_a_class_is_run_when_an_object_is_made(tmp_path):
    torch.save({"model": weights(1.0), "extra": Sets()}, tmp_path / "s.pth")
    assert read(tmp_path / "s.pth").unmade == (f"{Sets.__module__}.Sets",)


def test_a_module_saved_whole_is_no_state_dict(tmp_path):
    torch.save(nn.Linear(2, 3), tmp_path / "whole.pth")
    with pytest.raises(BadInput, match="are not a state_dict, which holds tensors by name"):
        read(tmp_path / "whole.pth")


@pytest.mark.parametrize("zipped", ZIP.values(), ids=ZIP)
def test_files_that_are_torn_anywhere_are_refused(tmp_path, zipped):
    path = tmp_path / "ckpt.pth"
    as_their_script_saves(path, zipped=zipped)
    whole = path.read_bytes()
    for end in (*range(0, len(whole), max(1, len(whole) // 40)), len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(BadInput, match=r"cannot be read|nothing in them was run"):
            read(path)


def test_files_of_torchscript_are_refused(tmp_path):
    torch.jit.script(nn.Linear(2, 3)).save(tmp_path / "script.pth")
    with pytest.raises(BadInput, match=r"cannot be read: .*TorchScript"):
        read(tmp_path / "script.pth")


def test_a_dictionary_in_itself_ends(tmp_path):
    held = {}
    held["model"] = held
    torch.save(held, tmp_path / "round.pth")
    with pytest.raises(BadInput, match="are not a state_dict"):
        read(tmp_path / "round.pth")


def test_more_names_than_a_checkpoint_has_are_refused(tmp_path):
    classes = b"".join(b"c%s\nC%d\n0" % (b"m", index) for index in range(500))
    with zipfile.ZipFile(tmp_path / "many.pth", "w") as archive:
        archive.writestr("many/data.pkl", b"\x80\x02" + classes + b"}.")
        archive.writestr("many/version", b"3\n")
    with pytest.raises(BadInput, match="nothing in them was run"):
        read(tmp_path / "many.pth")


def test_names_of_a_file_do_not_reach_the_terminal_as_commands(tmp_path):
    torch.save({"model": weights(1.0), "\x1b[2J": 1}, tmp_path / "n.pth")
    notice = read(tmp_path / "n.pth").notice(tmp_path / "n.pth")
    assert notice is not None
    assert notice.endswith(r"ignored is \x1b[2J.")
    torch.save({"we\x1bight": torch.zeros(1)}, tmp_path / "m.pth")
    with pytest.raises(BadInput, match=r"foreign is we\\x1bight"):
        load(nn.Linear(2, 3), tmp_path / "m.pth", "it")


def test_nothing_stays_known_to_torch(tmp_path):
    before = set(torch.serialization.get_safe_globals())
    as_their_script_saves(tmp_path / "ckpt.pth")
    read(tmp_path / "ckpt.pth")
    assert set(torch.serialization.get_safe_globals()) == before
