"""What dbt-duckdb needs to open an encrypted warehouse: the plugin of the profile's `encrypted`.

The key is asked for here and bound to the statement, so it stands in no profile, no log and no
artifact of dbt's.
"""

from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from . import encryption


class Plugin(BasePlugin):
    """Attach the database that the profile names with its key, in place of dbt, which has none."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take over what the profile would have dbt attach."""
        (self.named,), self.creds.attach = self.creds.attach, []

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach it."""
        conn.execute("set temp_directory = ?", [f"{self.named.path}.tmp"])
        encryption.attach(conn, Path(self.named.path), self.named.alias, read_only=False)
