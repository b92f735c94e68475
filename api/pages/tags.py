"""What the templates of the pages use; it needs no `{% load %}`."""

from datetime import datetime
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.keys.accounts import Role, role_of
from api.pages import assets
from api.pages.tables import Table

register = template.Library()
register.simple_tag(assets.url, name="asset")

# The pages in the order of the navigation: title, name of its path, and whose it is. One without a path is left out.
_PAGES = (
    ("Try", "pages-try", Role.VISITOR),
    ("Review", "pages-review", Role.MODERATOR),
    ("Models", "pages-models", Role.MODERATOR),
    ("Traffic", "pages-traffic", Role.MODERATOR),
    ("Operation", "pages-operation", Role.OPERATOR),
)


@register.inclusion_tag("pages/navigation.html", takes_context=True)
def navigation(context: dict[str, Any]) -> dict[str, Any]:
    """Show the pages that the reader may open, and where they can sign in or out."""
    request = context["request"]
    role = role_of(request.user)
    entries = []
    for title, name, least in _PAGES:
        if role < least:
            continue
        try:
            path = reverse(name)
        except NoReverseMatch:
            continue
        here = request.path == path or (path != reverse("pages-try") and request.path.startswith(f"{path}/"))
        entries.append({"title": title, "path": path, "here": here})
    return {"entries": entries, "user": request.user, "role": role, "csrf_token": context.get("csrf_token")}


@register.filter
def percent(value: float | None, digits: int = 1) -> str:
    """Return a share as people read it; a dash where there is none.

    >>> percent(0.3694), percent(None)
    ('36.9\\xa0%', '-')
    """
    return "-" if value is None else f"{value:.{digits}%}".replace("%", "\N{NO-BREAK SPACE}%")


@register.filter
def figure(value: float | None, digits: int = 3) -> str:
    """Return a figure with so many digits; a dash where there is none.

    >>> figure(0.31249)
    '0.312'
    """
    return "-" if value is None else f"{value:.{digits}f}"


@register.filter
def number(value: int | None) -> str:
    """Return a whole number with its thousands apart.

    >>> number(187000)
    '187,000'
    """
    return "-" if value is None else f"{value:,}"


@register.filter
def words(name: str) -> str:
    """Return a name of the API as words.

    >>> words("identity_hate")
    'identity hate'
    """
    return str(name).replace("_", " ")


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """Return a time in UTC; the page's script shows it in the reader's zone."""
    if at is None:
        return "-"
    return format_html(
        '<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), at.strftime("%Y-%m-%d %H:%M UTC")
    )


@register.filter
def cell(value: Any) -> Any:
    """Return what a cell of a table shows: a time as `moment` has it, and a dash where there is nothing.

    >>> cell(0.31), cell(None)
    (0.31, '-')
    """
    return moment(value) if isinstance(value, datetime) else "-" if value is None else value


@register.filter
def body(table: Table) -> SafeString:
    """Return the rows of a table. As nodes of a template, hundreds of them take longer than the rest of a page."""
    return format_html_join("", "<tr>{}</tr>", ((_cells(row, table.is_blurred),) for row in table.rows))


def _cells(row: list[Any], is_blurred: bool) -> SafeString:
    first, *rest = row
    shown = '<td><span class="tweet">{}</span></td>' if is_blurred else "<td>{}</td>"
    return format_html(shown, cell(first)) + format_html_join(
        "", '<td class="n">{}</td>', ((cell(one),) for one in rest)
    )


@register.filter
def hundredths(value: float) -> str:
    """Return a share as a length in a drawing that is 100 wide.

    >>> hundredths(0.3694)
    '36.94'
    """
    return f"{100 * value:.2f}"
