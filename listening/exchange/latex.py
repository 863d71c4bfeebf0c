"""Tables as LaTeX, ready for a paper: `booktabs` rules, every special character escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # what pdfLaTeX's usual fonts do not have
    "−": "$-$",
    "–": "--",
    "…": r"\ldots{}",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "χ": r"$\chi$",
    "η": r"$\eta$",
    "ε": r"$\varepsilon$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "σ": r"$\sigma$",
    "ψ": r"$\psi$",
    "′": "'",
    "’": "'",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "°": r"\textdegree{}",
    "√": r"$\surd$",
}
PATTERN = re.compile("|".join(map(re.escape, SPECIAL)))


def escaped(text: str) -> str:
    """`text` as LaTeX prints it; line breaks become spaces."""
    return PATTERN.sub(lambda found: SPECIAL[found[0]], " ".join(text.split()))


def tabular(
    caption: str, heading: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]
) -> str:
    """One floating table; `right` says of each column whether it is set to the right."""
    columns = "".join("r" if number else "l" for number in right)
    lines = [
        r"\begin{table}",
        rf"\caption{{{escaped(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _line(heading),
        r"\midrule",
        *map(_line, rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"
