"""Text in spreadsheet cells."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """A spreadsheet runs a cell that starts like a formula; an apostrophe before it makes it text."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def as_it_was(cell: str) -> str:
    """The text of a cell that `harmless` made.

    >>> as_it_was(harmless("=1+1")), as_it_was("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(_FORMULA) else cell
