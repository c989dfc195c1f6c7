"""The policies that our pages carry: a browser uses their own style and script, nothing else."""

from base64 import b64encode
from hashlib import sha256


def own(style: str, script: str = "") -> str:
    """A policy for a page with this style and this script in it."""
    scripts = f" script-src {_hash(script)};" if script else ""
    return (
        f"default-src 'none'; style-src {_hash(style)};{scripts} img-src data:; base-uri 'none';"
        " form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}'"
