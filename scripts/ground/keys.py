"""Secret keys: from the environment, or from the keyring of the account that runs this."""

import os
from collections.abc import Mapping

from .errors import InputError

SERVICE = "sen2"
WAREHOUSE, PSEUDONYM = SECRET = ("SEN2_WAREHOUSE_KEY", "SEN2_PSEUDONYM_KEY")
"""The variables that hold the keys of the warehouse and of its pseudonymised copy."""
SHORTEST = 32
"""Characters of a key; the command that makes one gives 64."""
FEWEST_DIFFERENT = 8


def key(variable: str, lost: str) -> bytes:
    """The key that an environment variable holds, else the keyring under that name.

    No file and no argument may hold one: files are copied, and arguments are in the list of
    processes. `lost` says what is so when it is lost. Raises InputError, which never shows the key.
    """
    found = find(variable)
    if not found:
        raise InputError(
            f"{variable}: is not set, in the environment or in the keyring (service {SERVICE})."
            ' Make a key with: python3 -c "import secrets; print(secrets.token_hex(32))". Keep it'
            f" away from the data, for good: {lost}."
        )
    if len(found) < SHORTEST or len(set(found)) < FEWEST_DIFFERENT:
        raise InputError(
            f"{variable}: is too easy to guess: it must have {SHORTEST} characters or more, and"
            f" {FEWEST_DIFFERENT} or more different ones. Make one with: python3 -c"
            ' "import secrets; print(secrets.token_hex(32))".'
        )
    return found.encode()


def without(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for another program, which has no use for the keys."""
    return {name: value for name, value in environment.items() if name not in SECRET}


def find(variable: str) -> str | None:
    """What the environment holds under a name, else the keyring; nothing where neither does."""
    return os.environ.get(variable) or _from_keyring(variable)


def _from_keyring(variable: str) -> str | None:
    """What the keyring holds; nothing where there is no store."""
    import keyring
    import keyring.errors

    try:
        return keyring.get_password(SERVICE, variable)
    except keyring.errors.KeyringError:
        return None
