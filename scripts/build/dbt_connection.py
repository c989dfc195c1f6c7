"""What dbt-duckdb is told of its connection: the plugin of every target of the profile.

The connection has no access to files but the warehouse, what spills beside it, and the seeds: not
the SQL of a model, not a view that came with a warehouse can read or write another, or attach,
install or load anything. DuckDB takes that back for no statement.

An encrypted warehouse is opened here too. The key is asked for and bound to the statement, so it
stands in no profile, no log and no artifact of dbt's.
"""

from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags

from .. import warehouse
from ..warehouse import encryption


class Plugin(BasePlugin):
    """Attach an encrypted warehouse, which dbt has no key for, and close the connection."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take over what the profile would have dbt attach."""
        self.named, self.creds.attach = self.creds.attach or [], []

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach what is encrypted, then leave access to the seeds alone."""
        for each in self.named:
            conn.execute("set temp_directory = ?", [f"{each.path}.tmp"])
            encryption.attach(conn, Path(each.path), each.alias, read_only=False)
        warehouse.close_to_files(conn, [Path(get_flags().PROJECT_DIR) / "seeds"])
