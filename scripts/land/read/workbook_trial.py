"""A workbook read in a process of its own, which may fail.

The command is `python -m sen2.land.read.workbook_trial PATH`.

It exits with 0 when the workbook at the path that it is given can be read in the memory that it
has, or cannot for a reason that whoever reads it next will say. Else the library is stopped in
native code, for want of memory or by a fault of its own, and takes nothing but this process along.
"""

import sys

from python_calamine import CalamineWorkbook

MEMORY = 1_500_000_000
"""Bytes of address space; the interpreter and the library take a fifteenth of it."""


def main() -> None:
    """Read every sheet."""
    try:
        import resource
    except ImportError:
        pass  # not on Windows: there the process ends by itself when memory does
    else:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        book = CalamineWorkbook.from_path(sys.argv[1])
        for name in book.sheet_names:
            book.get_sheet_by_name(name)
    except MemoryError:
        sys.exit(1)
    except Exception:
        pass  # whoever reads it next says what is wrong


if __name__ == "__main__":
    main()
