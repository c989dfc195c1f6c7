"""A person's page, for the terminal and as one HTML file."""

from html import escape
from pathlib import Path

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from ..ground import page_policy
from ..ground.console import Console
from .story import Cell, Page, Personal, Table

MASK = "hidden"
GAP, SHORT = 2, 14
"""Characters between two columns, and the width that no column goes below for another's sake."""

STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #0b0c0c; max-width: 76rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.9rem; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .4rem; }
p { margin: .2rem 0; } .none { color: #505a5f; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #b1b4b6; padding: .35rem .9rem .35rem 0; text-align: left;
  vertical-align: top; }
th { font-size: .85rem; color: #505a5f; font-weight: 600; }
td { overflow-wrap: break-word; } td.short { white-space: nowrap; }
footer { margin-top: 2.5rem; color: #505a5f; font-size: .85rem; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } tr { break-inside: avoid; } }
"""


def show(page: Page, console: Console, *, values: bool) -> None:
    """Print a page; personal values are masked unless asked for, and blank items told in a line."""
    console.print(Text(page.title, style="bold"))
    for line in page.lines:
        console.print(Text(line))
    for table in page.tables:
        _head(console, table.title)
        if table.rows:
            console.print(_grid(table, values, console.width))
        else:
            console.print(Text(table.none, style="dim"))
    for record in page.records:
        _head(console, f"Returned: {record.title}", record.place)
        filled = [item for item in record.items if _shown(item.value, values)]
        rows: list[tuple[Cell, ...]] = [
            (item.number, item.name, item.value, item.sources) for item in filled
        ]
        if rows:
            console.print(
                _grid(Table("", ("item", "name", "value", "from"), rows), values, console.width)
            )
        blank = [item for item in record.items if item not in filled]
        if blank:
            names = ", ".join(f"{item.name} ({item.sources})".removesuffix(" ()") for item in blank)
            console.print(Text(f"Blank: {names}.", style="dim"))
    console.print()
    masked = f"'{MASK}' stands for a value of the person's record; --values shows it. " * (
        not values
    )
    console.print(
        Text(
            f"{masked}--html FILE writes the page with every value, and with the cells that decide"
            " an item besides those it comes from.",
            style="dim",
        )
    )


def _head(console: Console, title: str, beside: str = "") -> None:
    console.print()
    console.print(Text(title, style="bold").append(f"  {beside}" * bool(beside), style="dim"))


def _grid(table: Table, values: bool, width: int) -> Grid:
    """A table of the terminal, without the columns that are empty in every row.

    On a terminal too narrow for the columns, each row becomes lines of heading and cell.
    """
    columns = [
        (heading, [_shown(row[place], values) for row in table.rows])
        for place, heading in enumerate(table.headings)
    ]
    columns = [(heading, cells) for heading, cells in columns if any(cells)]
    longest = [max(map(len, (heading, *cells))) for heading, cells in columns]
    if sum(min(length, SHORT) for length in longest) + GAP * (len(longest) - 1) > width:
        return _lines(columns)
    grid = Grid(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True,
        header_style="dim",
    )  # fmt: skip
    for (heading, _), room in zip(columns, _widths(longest, width), strict=True):
        grid.add_column(heading, overflow="fold", width=room)
    for cells in zip(*(cells for _, cells in columns), strict=True):
        grid.add_row(*map(Text, cells))
    return grid


def _lines(columns: list[tuple[str, list[str]]]) -> Grid:
    """Rows under each other, a line for each cell that is not empty."""
    lines = Grid.grid(padding=(0, GAP, 0, 0))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column(overflow="fold")
    for number, cells in enumerate(zip(*(cells for _, cells in columns), strict=True)):
        if number:
            lines.add_row()
        for (heading, _), cell in zip(columns, cells, strict=True):
            if cell:
                lines.add_row(heading, Text(cell))
    return lines


def _widths(longest: list[int], width: int) -> list[int]:
    """Room for each column in characters: short ones in full, long ones share what is left."""
    widths = [min(length, SHORT) for length in longest]
    spare = width - GAP * (len(longest) - 1) - sum(widths)
    for left, place in enumerate(sorted(range(len(longest)), key=longest.__getitem__)):
        more = max(min(longest[place] - widths[place], spare // (len(longest) - left)), 0)
        widths[place] += more
        spare -= more
    return widths


def _shown(cell: Cell, values: bool) -> str:
    if isinstance(cell, Personal):
        return cell.text if values or not cell.text else MASK
    return cell


def write(page: Page, path: Path) -> None:
    """Write a page as one HTML file that needs nothing else; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(html(page), encoding="utf-8")
    partial.replace(path)


def html(page: Page) -> str:
    """The page as HTML; whatever a value holds, it is text."""
    lines = "\n".join(f"<p>{escape(line)}</p>" for line in page.lines)
    returned = [
        Table(
            f"Returned: {record.title}",
            ("item", "name", "value", "from", "decided also by"),
            [
                (item.number, item.name, item.value, item.sources, item.also)
                for item in record.items
            ],
            f"From {record.place}, where an item names no other row." * bool(record.place),
        )
        for record in page.records
    ]
    tables = "\n".join(map(_section, [*page.tables, *returned]))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{page_policy.own(STYLE)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(page.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(page.title)}</h1>
{lines}
{tables}
</main>
<footer>This page holds a child's personal data. Keep it where you keep the case system's
extracts, and delete it when it has served.</footer>
</body>
</html>
"""


def _section(table: Table) -> str:
    title = f"<section>\n<h2>{escape(table.title)}</h2>"
    if table.words and table.rows:
        title += f"\n<p>{escape(table.words)}</p>"
    if not table.rows:
        return f'{title}\n<p class="none">{escape(table.none)}</p>\n</section>'
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.headings)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    return (
        f'{title}\n<div class="wide" role="region" tabindex="0" aria-label="{escape(table.title)}">'
        f"<table>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table></div>\n</section>"
    )


def _cell(cell: Cell) -> str:
    text = cell.text if isinstance(cell, Personal) else cell
    short = ' class="short"' if 0 < len(text) <= 14 else ""
    return f"<td{short}>{escape(text)}</td>"
