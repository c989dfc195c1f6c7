"""A real PostgreSQL server for a test: made in a folder of its own, on a free port of loopback."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER, PASSWORD = "reader", "not to be seen: s3cret"


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl, which Debian keeps off the path; none when there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("pg_ctl")
    folders += [Path(on_path).parent] if on_path else []
    return next((each for each in folders if (each / "initdb").exists()), None)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def server(programs: Path) -> Iterator[int]:
    """Start a server, give its port, and stop it; its files go. It refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = "nobody" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    port = free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            user=user,
            cwd=folder,
            env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": str(folder)},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    data = str(folder / "data")
    try:
        run(
            "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256",
            f"--pwfile={folder / 'password'}", "--no-sync", "-E", "UTF8",
        )  # fmt: skip
        options = f"-p {port} -h 127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield port
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
