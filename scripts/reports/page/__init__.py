"""report.html, which a director opens, and report_to_share.html, which withholds small numbers."""

from .write import write_page

__all__ = ["write_page"]
