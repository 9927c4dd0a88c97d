"""Every block of every page runs and prints what the page shows; what pages name exists."""

from __future__ import annotations

import re
import shlex

import pytest
import typer
from pages import PAGES, ROOT, blocks_of, commands_of, matches, rewritten, run_page

from vtbench.cli.commands import COMMANDS, command_named

README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
BLOCKS = [(name, block) for name, text in TEXTS.items() for block in blocks_of(text)]
RUN = [*dict.fromkeys(name for name, block in BLOCKS if block.language in ("console", "python"))]
LEFT_OUT = [(name, block) for name, block in BLOCKS if block.skip]


@pytest.mark.parametrize("name", RUN)
def test_every_block_prints_what_the_page_shows(name, tmp_path):
    wrong = [each for each in run_page(TEXTS[name], tmp_path) if not each.agrees]
    assert not wrong, "\n".join(map(str, [*wrong, "run: python scripts/write_pages.py"]))


@pytest.mark.parametrize(
    ("name", "block"), LEFT_OUT, ids=[f"{name}:{block.line}" for name, block in LEFT_OUT]
)
def test_a_block_that_is_not_run_says_why(name, block):
    assert block.skip != "skip"
    pytest.skip(f"{name}, line {block.line}: {block.skip}")


def test_every_console_is_run_or_says_why_not():
    """No block of commands hides in another language."""
    for name, text in TEXTS.items():
        for block in blocks_of(text):
            if block.language in ("text", ""):
                assert not block.text.startswith("$ "), f"{name}, line {block.line}"


def test_the_readme_is_short_and_names_every_command():
    assert README.count("\n") <= 250
    for name in COMMANDS:
        assert re.search(rf"`vtbench {name}[ `]", README.partition("## Commands")[2]), name


def _flags(name: str) -> set[str]:
    """Every option of a command."""
    command = command_named(name)
    command = command.commands["write"] if name == "baseline" else command
    found = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    return found | {"--help", "-h"}


FLAGS = {name: _flags(name) for name in COMMANDS}
EVERY_FLAG = set().union(*FLAGS.values()) | {"--version"}
NOT_OURS = {"--adapter", "--vtbench", "--vtbench-allow-imports", "--write-records"}
"""Options of other programs, of pytest, and in the list of changes."""


def _written_commands(text: str) -> list[str]:
    """Every command that a page writes down, in a block or in a sentence."""
    whole = text.replace("\\\n", " ")
    return re.findall(r"(?<![\w/`.-])`?vtbench ((?:[a-z][a-z-]+)[^`\n]*)", whole)


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "cli.md"])
def test_every_option_that_a_page_names_exists(name):
    text = TEXTS[name]
    for written in _written_commands(text):
        command = written.split()[0]
        if command in FLAGS:
            words = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", written.partition(" #")[0])
            own = {word for word in words if word.startswith("--") or word == "-o"}
            assert own <= FLAGS[command], f"{name}: vtbench {written}"
    inline = re.findall(r"`(--[a-z][a-z-]*)", text)
    if name != "write_pages":
        assert set(inline) <= EVERY_FLAG | NOT_OURS, name


def test_links_between_documents_lead_somewhere():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    assert len(documents) >= 5
    for document in documents:
        for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                path, _, place = target.partition("#")
                there = document.parent / path if path else document
                assert there.exists(), f"{document.name}: {target}"
                if place:
                    assert place in _anchors(there), f"{document.name}: {target}"


def _anchors(page) -> set[str]:
    """The places of a page that a link can lead to, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {each.replace(" ", "-") for each in plain}


def test_the_version_is_the_same_everywhere():
    from vtbench import __version__

    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


PAGE = """Text.

```console status=1
$ vtbench check --nothing
old
$ git status
...
```
"""


def test_a_page_is_taken_apart_and_put_together():
    (block,) = blocks_of(PAGE)
    assert (block.line, block.language, block.marks) == (3, "console", {"status": "1"})
    assert list(commands_of(block)) == [("vtbench check --nothing", "old\n"),
                                        ("git status", "...\n")]  # fmt: skip
    assert rewritten(PAGE, []) == PAGE


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("MACs 1\n", "MACs 1\n", True),
        ("MACs 1\n", "MACs 2\n", False),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\n", "b\n", False),
        ("vtbench 0.1.0, torch\n2.15.0\n", "vtbench 0.2.0, torch 2.16.1+cpu\n", True),
        ("wrote on 2026-11-30\n", "wrote on 2027-01-02\n", True),
    ],
)
def test_texts_agree_but_for_what_varies(shown, printed, same):
    assert matches(shown, printed) is same


MEASURED = """Throughput
fp32 · 2 threads · {machine} · torch 2.15.0 · batch 1

Model  images/s
───────────────
{model}      {speed}

{model} is {ratio}× [0.2, 0.4] as fast as b{open}.
"""


def test_measurements_agree_in_conditions_rows_and_ratios():
    here = MEASURED.format(machine="AMD EPYC", model="a", speed="12", ratio="0.3", open="")
    there = MEASURED.format(machine="Xeon\nGold", model="a", speed="1,250", ratio="0.98",
                            open="; which is faster\nstays open")  # fmt: skip
    assert matches(here, there, measured=True)
    assert not matches(here, there.replace("a  ", "c  "), measured=True)
    assert not matches(here, there.replace("fp32", "bf16"), measured=True)


def test_every_command_line_can_be_read():
    for text in TEXTS.values():
        for block in blocks_of(text):
            if block.language == "console":
                for command, _ in commands_of(block):
                    assert shlex.split(command)


def test_every_command_exists():
    assert {typer.Context(command_named(name)).command.name for name in COMMANDS} == set(COMMANDS)


def test_files_that_the_pages_name_exist():
    """A file of the package, of the tests or of the reports that a page names by its path."""
    for name, text in TEXTS.items():
        named = re.findall(r"`((?:vtbench|tests|scripts|reports)/[\w./-]+\.\w+)`", text)
        rooms = "api|claims|cli|count|data|measure|models|report|stats|sweep"
        named += [f"vtbench/{each}" for each in re.findall(rf"`((?:{rooms})/[\w/]+\.py)`", text)]
        missing = [each for each in named if not (ROOT / each).exists()]
        assert not missing, name
