"""Text in spreadsheet cells."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# A spreadsheet may look past these: spaces, those without a break or a width, and the byte order mark.
_PASSED_OVER = " \u00a0\u200b\ufeff"


def escape_formula(text: str) -> str:
    """Put an apostrophe before a cell that starts like a formula, so that spreadsheets do not run it."""
    return f"'{text}" if text.lstrip(_PASSED_OVER).startswith(_FORMULA) else text


def unescape_formula(cell: str) -> str:
    """Return the text of a cell that `escape_formula` made.

    >>> unescape_formula(escape_formula("=1+1")), unescape_formula("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(_PASSED_OVER).startswith(_FORMULA) else cell
