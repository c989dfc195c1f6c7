"""A keyring for the tests: it holds one key, that of a file which the environment names."""

import os
from pathlib import Path

from keyring.backend import KeyringBackend

FILE = "SEN2_TEST_VAULT"


class Vault(KeyringBackend):
    """What a keyring of an operating system is to the package keyring."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """The key of the warehouses; nothing else is in it."""
        is_ours = (service, username) == ("sen2", "SEN2_WAREHOUSE_KEY")
        return Path(os.environ[FILE]).read_text(encoding="utf-8") if is_ours else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Nothing is put in."""
        raise NotImplementedError
