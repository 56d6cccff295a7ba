"""Tells of the links that lead nowhere: the ones that failed now and the last time as well.

    python -m _ext.links output.json last.json failed.json

The first file is what Sphinx's linkcheck wrote, the second the list of the last time, if there is
one. The list of this time goes to the third file, and an issue's text, if there is need of one, to
the standard output.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

# Publishers say this to programs and show the page to people.
REFUSED = re.compile(r"(403|405|406|418|429) ")


def failed(output: str) -> dict[str, str]:
    """The links that lead nowhere: address → the page that it is on, and why."""
    records = [json.loads(line) for line in output.splitlines()]
    return {
        record["uri"]: f"`{record['filename']}`: {record['info']}"
        for record in records
        if record["status"] == "broken" and not REFUSED.match(record["info"])
    }


def issue(now: dict[str, str], before: dict[str, str]) -> str:
    """The text of an issue about the links that failed both times; empty if there is none."""
    lines = [f"- <{uri}>\n  {place}\n" for uri, place in sorted(now.items()) if uri in before]
    return "".join(["These failed in two weekly checks in a row.\n\n", *lines]) if lines else ""


def main(output: str, last: str, this: str) -> None:
    """Write the list of this time and print the issue's text."""
    now = failed(Path(output).read_text(encoding="utf-8"))
    before = json.loads(Path(last).read_text(encoding="utf-8")) if Path(last).exists() else {}
    Path(this).write_text(json.dumps(now, indent=1), encoding="utf-8")
    print(issue(now, before), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
