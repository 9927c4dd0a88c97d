"""Expressions as text: for programs, for readers and for LaTeX."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from vtbench.data.cost.letters import Form
from vtbench.data.polynomial import joined, spelled, term

Expression = Any
"""A sympy expression that is expanded; for readers, a plain form as well."""


def plain(form: Expression) -> str:
    """Text that sympy and ``data.grammar`` read, such as ``3*CT**2*L + 3*CT*L**2/2``."""
    return str(form)


def pretty(form: Expression) -> str:
    """Text for readers, such as ``3·CT²·L + 1.5·CT·L²``."""
    if isinstance(form, int):
        return f"{form:,}"
    if isinstance(form, Form):
        return joined((term(*part) for part in form.ordered()), minus="−")
    return joined(map(_term, _short(form).as_ordered_terms()), minus="−")


def latex(form: Expression) -> str:
    """The same as mathematics in LaTeX, without the dollar signs."""
    if isinstance(form, int):
        return str(form)
    import sympy

    if isinstance(form, Form):
        form = sympy.sympify(spelled(form.parts).replace("^", "**"))

    names = {symbol: _tex_name(symbol.name) for symbol in _short(form).free_symbols}
    return str(sympy.latex(_short(form), symbol_names=names, mul_symbol="dot"))


def sides(form: Expression) -> list[str]:
    """The letters whose rounded-up parts an expression speaks of, such as H and W."""
    if isinstance(form, int):
        return []
    return sorted({_letter(each) for each in _rounded(form)})


def _rounded(form: Expression) -> set[Expression]:
    """Sides divided by a whole number and rounded up."""
    import sympy

    parts = {each: each.args[0].as_coeff_Mul() for each in form.atoms(sympy.ceiling)}
    return {each for each, (part, rest) in parts.items() if part.p == 1 and rest.is_Symbol}


def _letter(rounded: Expression) -> str:
    return str(rounded.args[0].free_symbols.pop().name)


def _short(form: Expression) -> Expression:
    """The expression with a name for every rounded-up side: ``h16`` is ⌈H/16⌉."""
    import sympy

    letters = {each: sympy.Symbol(_side(each)) for each in _rounded(form)}
    return form.xreplace(letters)


def _side(rounded: Expression) -> str:
    stride = rounded.args[0].as_coeff_Mul()[0].q
    return f"{_letter(rounded).lower()}{stride}"


def _term(part: Expression) -> str:
    number, rest = part.as_coeff_Mul()
    powers = sorted(rest.as_powers_dict().items(), key=lambda item: str(item[0]))
    named = [(_base(base), power) for base, power in powers if rest != 1]
    return term(named, Fraction(int(number.p), int(number.q)))


def _base(base: Expression) -> str:
    return f"⌈{pretty(base.args[0])}⌉" if base.func.__name__ == "ceiling" else str(base)


def _tex_name(name: str) -> str:
    if len(name) > 1 and name[0].islower():
        return f"{name[0]}_{{{name[1:].removeprefix('_')}}}"
    return "C_T" if name == "CT" else name
