"""Secret keys: from the environment, or from the keyring of the account that runs this."""

import os

from .errors import InputError

SERVICE = "sen2"
SHORTEST = 32
"""Characters of a key; the command that makes one gives 64."""
FEWEST_DIFFERENT = 8


def key(variable: str) -> bytes:
    """The key that an environment variable holds, else the keyring under that name.

    No file and no argument may hold one: files are copied, and arguments are in the list of
    processes. Raises InputError, which never shows the key.
    """
    found = os.environ.get(variable) or _from_keyring(variable)
    if not found:
        raise InputError(
            f"{variable}: is not set, in the environment or in the keyring (service {SERVICE})."
            ' Make a key with: python3 -c "import secrets; print(secrets.token_hex(32))". Keep it'
            " away from the data, for good: another key gives other pseudonyms."
        )
    if len(found) < SHORTEST or len(set(found)) < FEWEST_DIFFERENT:
        raise InputError(
            f"{variable}: is too easy to guess: it must have {SHORTEST} characters or more, and"
            f" {FEWEST_DIFFERENT} or more different ones. Make one with: python3 -c"
            ' "import secrets; print(secrets.token_hex(32))".'
        )
    return found.encode()


def _from_keyring(variable: str) -> str | None:
    """What the keyring holds; nothing where the package is not installed or has no store."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    try:
        return keyring.get_password(SERVICE, variable)
    except keyring.errors.KeyringError:
        return None
