"""Tables in LaTeX, read as they look: rules, spans and type are dropped, words are kept."""

from __future__ import annotations

import re
from itertools import pairwise

from vtbench.claims.audit.grid import Grid

_TABULAR = re.compile(r"\\begin\{(tabular[*xy]?|longtable|tblr)\}(.*?)\\end\{\1\}", re.DOTALL)
_RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|endhead|endfoot|endfirsthead|endlastfoot)\b"
    r"|\\(?:cmidrule|cline)(?:\([^)]*\))?\{[^}]*\}|\\(?:addlinespace|rowcolor)(?:\[[^]]*\])?"
    r"(?:\{[^}]*\})?"
)


def latex_grids(text: str) -> list[Grid]:
    """Every tabular of a file, with the caption next to it."""
    text = re.sub(r"(?<!\\)%.*", "", text)
    found = []
    for match in _TABULAR.finditer(text):
        body = _without_arguments(match[2], stars=match[1] in ("tabular*", "tabularx", "tabulary"))
        body = _RULES.sub("", _on_one_line(body))
        lines = re.split(r"\\\\(?:\[[^]]*\])?|\\tabularnewline", body)
        grid = [_latex_row(line) for line in lines if line.strip()]
        caption = re.search(r"\\caption\{((?:[^{}]|\{[^{}]*\})*)\}", text[match.end() :][:2000])
        before = re.findall(r"\\caption\{((?:[^{}]|\{[^{}]*\})*)\}", text[: match.start()][-2000:])
        said = before[-1] if before else caption[1] if caption else ""
        line = text.count("\n", 0, match.start()) + 1
        found.append(Grid(title=_detex(said), line=line, rows=_filled_down(grid)))
    return found


_BRACES = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
_STACKED = re.compile(r"\\(?:makecell|thead|shortstack|specialcell)\*?(?:\[[^]]*\])?" + _BRACES)


def _on_one_line(body: str) -> str:
    """Cells that are broken over several lines on one; a footnote is not part of a cell."""
    body = re.sub(r"\\(?:footnote|tnote|tablefootnote)(?:\[[^]]*\])?" + _BRACES, "", body)
    return _STACKED.sub(lambda cell: re.sub(r"\\\\(?:\[[^]]*\])?", " ", cell[1]), body)


def _without_arguments(body: str, *, stars: bool) -> str:
    """A tabular's body without its width and its column specification."""
    body = re.sub(r"^\s*\[[^]]*\]", "", body)
    for _ in range(2 if stars else 1):
        body, depth = body.lstrip(), 0
        for place, char in enumerate(body):
            depth += (char == "{") - (char == "}")
            if depth == 0:
                body = body[place + 1 :]
                break
    return body


def _latex_row(line: str) -> list[str]:
    cells: list[str] = []
    for cell in re.split(r"(?<!\\)&", line):
        span = re.match(r"\s*\\multicolumn\{(\d+)\}\{[^}]*\}", cell)
        cells += [_detex(cell)] * (min(int(span[1]), 50) if span else 1)
    return cells


def _filled_down(grid: list[list[str]]) -> list[list[str]]:
    """Names that span several rows stand in each of them."""
    for above, row in pairwise(grid):
        if len(row) > 1 and above and row[0] == "" and _MULTIROW in above[0]:
            row[0] = above[0]
    return [[cell.replace(_MULTIROW, "") for cell in row] for row in grid]


_MULTIROW = "\x01"
_POINTERS = re.compile(
    r"\\(?:cite\w*|ref|label|vspace|hspace|footnotemark)\*?\s*(?:\[[^]]*\])?\{[^}]*\}"
)


def _detex(text: str) -> str:
    """LaTeX as plain text: commands that only set type are dropped, their contents kept."""
    text = re.sub(r"\\multirow(?:\[[^]]*\])?\{[^}]*\}(?:\[[^]]*\])?\{[^}]*\}", _MULTIROW, text)
    text = re.sub(r"\\multicolumn\{\d+\}\{[^}]*\}", "", text)
    text = _POINTERS.sub("", text)
    text = re.sub(r"(?<!\\)~", " ", text)
    text = re.sub(r"\\(?:textcolor|cellcolor|colorbox|color)(?:\[[^]]*\])?\{[^}]*\}", "", text)
    text = re.sub(r"\\textsuperscript" + _BRACES, r"\1", text)
    words = {"times": "x", "Delta": "Δ", "pm": "±", "dagger": "†", "ddagger": "‡", "ast": "*",
             "uparrow": "↑", "downarrow": "↓", "sim": "~", "approx": "~", "star": "*"}  # fmt: skip
    for name, char in words.items():
        text = re.sub(rf"\\{name}(?![A-Za-z])", char, text)
    text = re.sub(r"\\([%&#_$])", r"\1", text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    text = re.sub(r"\\[A-Za-z]+\*?", "", text)
    return " ".join(re.sub(r"[{}$]|(?<=\D)\^(?=[*†‡])", "", text).split())
