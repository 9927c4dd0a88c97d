"""What users read follows docs/style.md: help texts and errors have none of the wrong forms.

Sentences that have one today stand in words_to_mend.txt, which may only grow shorter:

    python tests/docs/test_words.py    takes out of it what was mended
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).parents[2]
TO_MEND = Path(__file__).with_name("words_to_mend.txt")

WRONG = {
    "'is no': write 'is not a'": r"(?<![Tt]here )\b(?:is|are|was|were) no (?!longer|more|less)",
    "'without' for 'default: X'": r"\bwithout(?: (?:it|one|them|any))?(?:[.,;:)]|$)",
    "'where' for a condition: write 'if'": r"\bwhere (?:none|nothing|there|no|(?:it|they) (?:is|are"
    r"|has|have|can|do|does|did|was|were))\b",
    "a clause with 'what' for a noun": r"(?:^|[;:.] )What (?!\w+ (?:is|are)\b.*\?)",
    "'whoever' or 'nobody'": r"\b(?:[Ww]hoever|[Nn]obody)\b",
    "'in torch's words'": r"in torch's words",
    "'come off' for 'succeed'": r"\b(?:come|comes|came) off\b",
    "'stands in the way'": r"stands? in the way",
}
"""A wrong form -> how to find it; docs/style.md says why."""


def _commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    from vtbench.cli.commands import COMMANDS, command_named

    for name in COMMANDS:
        command = command_named(name)
        yield name, command
        yield from (getattr(command, "commands", None) or {}).items()


def help_texts() -> Iterator[str]:
    """The help of every command, argument and option, a sentence at a time."""
    for _, command in _commands():
        yield from _sentences(re.sub(r"\x08[^\n]*\n(?:.+\n?)*", "", command.help or ""))
        for parameter in command.params:
            yield from _sentences(getattr(parameter, "help", None) or "")


def error_texts() -> Iterator[str]:
    """The words of every error, as they stand in the code; {} is a value."""
    for path in sorted((ROOT / "vtbench").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                for argument in node.exc.args:
                    yield from _sentences(_words(argument))


def _words(node: ast.expr) -> str:
    """A string of the code; what is put into it is {}."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return "{}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left) + _words(node.right)
    return ""


def _sentences(text: str) -> list[str]:
    """The sentences of a text."""
    flowing = " ".join(text.split())
    return [part for part in re.split(r"(?<=[.?!]) (?=[A-Z`'{])", flowing) if part]


@cache
def wrong_sentences() -> dict[str, list[str]]:
    """Every sentence with a wrong form, and which forms it has."""
    found = {}
    for sentence in sorted({*help_texts(), *error_texts()}):
        forms = [form for form, pattern in WRONG.items() if re.search(pattern, sentence)]
        if forms:
            found[sentence] = forms
    return found


def _to_mend() -> list[str]:
    return TO_MEND.read_text(encoding="utf-8").splitlines() if TO_MEND.exists() else []


def test_no_other_sentence_has_a_wrong_form():
    known = set(_to_mend())
    new = {s: forms for s, forms in wrong_sentences().items() if s not in known}
    assert not new, "\n".join(f"{s}\n    {'; '.join(forms)}" for s, forms in new.items())


def test_the_list_of_sentences_to_mend_has_no_mended_ones():
    mended = [sentence for sentence in _to_mend() if sentence not in wrong_sentences()]
    assert not mended, f"take out what was mended: python {Path(__file__).relative_to(ROOT)}"


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("'0' in --batch-size is no number of at least 1.", True),
        ("Images per step; 1 without.", True),
        ("`error` is set where it did not come off.", True),
        ("Nobody looked for 1.3 s.", True),
        ("Images per step (default: 1).", False),
        ("The file is no longer there.", False),
        ("A count without weights is exact.", False),
    ],
)
def test_wrong_forms_are_found(sentence, wrong):
    assert any(re.search(pattern, sentence) for pattern in WRONG.values()) is wrong


def test_texts_are_collected():
    assert "Images per step (default: 1; 64 for throughput on a GPU)." in set(help_texts())
    assert len(set(error_texts())) > 100


if __name__ == "__main__":
    left = wrong_sentences()
    kept = (
        [sentence for sentence in _to_mend() if sentence in left] if TO_MEND.exists() else [*left]
    )
    TO_MEND.write_text("".join(f"{sentence}\n" for sentence in kept), encoding="utf-8")
    sys.stdout.write(f"{len(kept)} sentences to mend\n")
