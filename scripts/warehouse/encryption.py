"""A warehouse that is encrypted at rest: by DuckDB (AES-256, GCM), with a key of the authority.

A new warehouse is encrypted when the settings say `encrypt: true` or the key is in the environment;
one that takes the place of an encrypted one always is. Whether a file is, stands in its header.
DuckDB writes such files with OpenSSL, which its extension httpfs brings: the extension is a package
of the lock file, and DuckDB loads it only with its makers' signature.
"""

import os
from importlib.util import find_spec
from pathlib import Path

import duckdb

from ..ground import keys
from ..ground.errors import InputError
from ..ground.sql import literal, quoted

VARIABLE = keys.WAREHOUSE
EXTENSION = "duckdb_extension_httpfs"
HEADER = 24
"""Bytes of a DuckDB file to its first flags: a checksum of 8, its sign of 4, a version of 8."""
SIGN, FLAGS, ENCRYPTED = slice(8, 12), 20, 1
LOST = "without it nobody can open the warehouse"

_held: str | None = None
_is_asked_for = False


def as_settings_ask(encrypt: bool) -> None:
    """From here on a new warehouse is encrypted, where the settings ask, which needs a key now."""
    global _is_asked_for
    _is_asked_for = encrypt
    if encrypt:
        key()


def is_wanted() -> bool:
    """Whether a new warehouse is to be encrypted."""
    return _is_asked_for or bool(os.environ.get(VARIABLE))


def is_encrypted(path: Path) -> bool:
    """Whether a file is an encrypted DuckDB file, which its header says in the clear."""
    try:
        with path.open("rb") as file:
            head = file.read(HEADER)
    except OSError:
        return False
    return head[SIGN] == b"DUCK" and len(head) == HEADER and bool(head[FLAGS] & ENCRYPTED)


def key() -> str:
    """The key of the warehouses, from the environment, the keyring, or who started this process.

    Raises InputError, which never shows the key, where there is none or it is easy to guess.
    """
    if not _held:
        set_key(keys.key(VARIABLE, LOST).decode())
    return _held or ""


def current_key() -> str | None:
    """The key, once it was asked for: to be passed on to other processes of this run by a pipe."""
    return _held


def set_key(given: str | None) -> None:
    """Take the key that another process passed on."""
    global _held
    _held = given or None


def load(connection: duckdb.DuckDBPyConnection) -> bool:
    """Bring OpenSSL to a connection; whether it is there to be brought."""
    found = find_spec(EXTENSION)
    if not found or not found.origin:
        return False
    folder = Path(found.origin).parent / "extensions" / f"v{duckdb.__version__}"
    try:
        connection.load_extension(str(folder / "httpfs.duckdb_extension"))
    except duckdb.Error:
        return False
    return True


def attach(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool
) -> None:
    """Attach an encrypted file under a name, or begin one.

    What spills to disk is encrypted too; where this DuckDB can only read such files, nothing does.

    Raises InputError where the key is missing, or another than the file's, or this DuckDB cannot
    write one.
    """
    can_write = load(connection)
    if not (can_write or read_only):
        raise InputError(
            f"This DuckDB, {duckdb.__version__}, cannot write an encrypted warehouse. `make"
            " encrypted` in the repository, or `pip install sen2[encrypted]`, brings one that can."
        )
    if path.exists() and not (_held or keys.find(VARIABLE)):
        raise InputError(
            f"{path}: is encrypted. Give the key it was made with, in the environment as {VARIABLE}"
            " or in the keyring."
        )
    spilling = "temp_file_encryption = true" if can_write else "max_temp_directory_size = '0KB'"
    connection.execute(f"set {spilling}")
    mode = ", read_only" if read_only else ""
    try:
        connection.execute(
            f"attach {literal(str(path))} as {quoted(name)} (encryption_key ?{mode})", [key()]
        )
    except duckdb.InvalidInputException:
        raise InputError(
            f"{path}: is encrypted with another key than the one in {VARIABLE} or the keyring. Give"
            " the one it was made with."
        ) from None
    except duckdb.BinderException:
        raise InputError(f"{path}: an encrypted warehouse cannot bear this name.") from None
