"""The table of claims in files: JSON, which is read back, and Markdown for a reader."""

import dataclasses
import json
import math
from collections.abc import Iterable
from typing import Any, get_args

from ..catalog import circumstances
from ._claim import VERDICTS, Claim, Relation

SCHEMA_VERSION = 1

NUMBERS = "expected", "found", "tolerance", "claimed", "seconds"


def claims_to_json(claims: Iterable[Claim], **settings: Any) -> str:
    """Return the claims as JSON, with what they were computed with.

    At the top: `schema_version`, `provenance` (versions, date, settings), `verdicts` (how many rows
    have each) and `claims`, each with the attributes of `Claim`. Numbers are exact; what is not
    finite is written as text.

    Args:
        claims: the rows.
        **settings: what decided them, such as `seed=0`, for the provenance.

    Returns:
        The text; `claims_from_json` reads it.

    Example:
        >>> import flowlab as fl
        >>> rows = fl.paper.check_claims(only="Lemma 9")
        >>> fl.paper.claims_from_json(fl.paper.claims_to_json(rows, seed=0)) == rows
        True
    """
    rows = tuple(claims)
    document = {
        "schema_version": SCHEMA_VERSION,
        "provenance": {**circumstances("claims of Tian (2017)"), "settings": settings},
        "verdicts": counts(rows),
        "claims": [
            {name: _plain(value) for name, value in dataclasses.asdict(row).items()} for row in rows
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def claims_from_json(text: str) -> tuple[Claim, ...]:
    """Return the claims that `claims_to_json` wrote.

    The verdicts are those that were written: nothing is computed again.

    Args:
        text: the JSON.

    Returns:
        The rows.

    Raises:
        ValueError: if it is no such text, or of a newer version.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.claims_from_json('{"schema_version": 1, "claims": []}')
        ()
    """
    try:
        document = json.loads(text)
        version, entries = document["schema_version"], document["claims"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"this is not a table of claims: {error!r}.") from error
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"schema_version is {version!r}; this flowlab reads {SCHEMA_VERSION}. Compute the "
            "table again, or use a newer flowlab."
        )
    return tuple(_claim(entry, place) for place, entry in enumerate(entries))


def claims_to_markdown(claims: Iterable[Claim]) -> str:
    """Return the claims as a Markdown table, with a line that counts the verdicts.

    Args:
        claims: the rows.

    Returns:
        The text.

    Example:
        >>> import flowlab as fl
        >>> rows = fl.paper.check_claims(only="Lemma 9")
        >>> print(fl.paper.claims_to_markdown(rows).splitlines()[0])
        | claim | statement | claimed | expected | found | tolerance | method | verdict | s |
    """
    rows = tuple(claims)
    heads = "claim statement claimed expected found tolerance method verdict s".split()
    sides = "--- --- ---: ---: ---: ---: --- --- ---:".split()
    lines = [heads, sides, *(_cells(row) for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n{summary(rows)}\n"


def summary(claims: Iterable[Claim]) -> str:
    """Return a sentence that counts the verdicts.

    Args:
        claims: the rows.

    Returns:
        The sentence.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.summary(fl.paper.check_claims(only="Lemma 9"))
        '2 claims: 1 holds, 1 corrected.'
    """
    rows = tuple(claims)
    told = ", ".join(f"{number} {verdict}" for verdict, number in counts(rows).items())
    return f"{len(rows)} claims: {told}."


def counts(claims: Iterable[Claim]) -> dict[str, int]:
    """Return how many rows have each verdict, of those that occur."""
    found = [row.verdict for row in claims]
    return {verdict: found.count(verdict) for verdict in VERDICTS if verdict in found}


def printed_numbers(row: Claim, digits: int = 10) -> dict[str, str]:
    """Return the numbers of a row as a reader wants them.

    Args:
        row: the claim.
        digits: how many digits are worth showing; rounding errors get two.

    Returns:
        Texts by the name of the attribute, `""` for none; `expected` with its relation.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.printed_numbers(fl.paper.Claim.at_least("x", "y", 0.45, 0.4612345678, "z"), 4)
        {'claimed': '', 'expected': '≥ 0.45', 'found': '0.4612', 'tolerance': ''}
    """
    relation = "" if row.relation == "=" else f"{row.relation} "
    return {
        "claimed": "" if row.claimed is None else _rounded(row.claimed, digits),
        "expected": relation + _rounded(row.expected, digits),
        "found": _rounded(row.found, digits),
        "tolerance": f"{row.tolerance:g}" if row.tolerance else "",
    }


def _rounded(value: float, digits: int) -> str:
    # What is a rounding error has no digits worth ten places.
    return f"{value:.{digits}g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.2g}"


def _cells(row: Claim) -> list[str]:
    numbers = printed_numbers(row).values()
    cells = [row.name, row.statement, *numbers, row.method, row.verdict, f"{row.seconds:.1f}"]
    # A bar would end the cell, a line the table, and stars and underscores would be markup.
    escape = str.maketrans({sign: f"\\{sign}" for sign in "\\|*_<>`"} | {"\n": " "})
    return [cell.translate(escape) for cell in cells]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _claim(entry: Any, place: int) -> Claim:
    names = {field.name for field in dataclasses.fields(Claim)}
    try:
        if set(entry) != names:
            raise ValueError(f"its names are {sorted(entry)}; needed: {sorted(names)}")
        if entry["verdict"] not in VERDICTS or entry["relation"] not in get_args(Relation):
            raise ValueError(f"{entry['verdict']!r} and {entry['relation']!r} are no verdict")
        numbers = {
            name: None if name == "claimed" and entry[name] is None else float(entry[name])
            for name in NUMBERS
        }
        words = {name: str(entry[name]) for name in names - set(NUMBERS)}
    except (TypeError, ValueError) as error:
        raise ValueError(f"claims[{place}] is damaged: {error}.") from error
    return Claim(**(words | numbers))  # type: ignore[arg-type]
