"""report.html: the page a director opens, one file made from the same tables as the return."""

from .page import write_page

__all__ = ["write_page"]
