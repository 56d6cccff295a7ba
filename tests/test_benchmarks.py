"""The page of benchmarks: what it says of a build, on a GPU and without."""

from __future__ import annotations

import json
import re

from _ext.benchmarks import ON_GPU, table
from _ext.chapter import Chapter
from _ext.execute import BENCHMARKS

TOOK = {"seconds": 12.4, "peak_bytes": 1.26e9, "date": "2026-11-02", "scale": "small"}
RECORD = {
    "cores": 4,
    "chapters": {
        "index": TOOK | {"results": {}},
        "foundations/mlp": TOOK | {"results": {"digit_accuracy": "95.4321"}},
    },
}


def test_table_says_where_and_what():
    lead, _, _, _, *rows = table(RECORD).splitlines()
    assert lead == "On 4 processor cores, no GPU, at small scale, 2026-11-02."
    low, high = Chapter("foundations/mlp").bounds()["digit_accuracy"]
    assert rows == [
        "| [](/chapters/foundations/mlp.md) | 12 | 1.3 |"
        f" `digit_accuracy` 95.4, expected {low:g} to {high:g} |"
    ]


def test_table_says_how_long_the_books_minute_is():
    lead, *_ = table(RECORD | {"minute": 71.3}).splitlines()
    assert lead.endswith("The book's minute takes 71 s of one core here.")


def test_table_names_the_gpu():
    used = {"gpu": "Some GPU", "gpu_peak_bytes": 2.5e9, "scale": "full", "date": "2026-11-03"}
    chapters = {"foundations/mlp": RECORD["chapters"]["foundations/mlp"] | used}
    lead, _, head, _, row = table(RECORD | {"chapters": chapters}).splitlines()
    assert lead == "On Some GPU, at full scale, 2026-11-03."
    assert head.count("|") == row.count("|") == 7
    assert "| 2.5 | – |" in row


def test_table_compares_with_a_cpu_at_the_same_scale_only():
    used = {"gpu": "Some GPU", "gpu_peak_bytes": 2.5e9, "seconds": 6.2}
    one = RECORD["chapters"]["foundations/mlp"]
    record = RECORD | {"chapters": {"foundations/mlp": one | used}}
    assert "| 2.5 | 2.0 |" in table(record, RECORD).splitlines()[-1]
    other = RECORD | {"chapters": {"foundations/mlp": one | {"scale": "full"}}}
    for here in (other, record, {}, None):
        assert "| 2.5 | – |" in table(record, here).splitlines()[-1]


def test_page_shows_this_build(book):
    page = (book / "html/chapters/back/benchmarks.html").read_text()
    chapters = json.loads(BENCHMARKS.read_text())["chapters"]
    rows = re.findall(r"<tr class=\"row-(?:odd|even)\"><td.*?</tr>", page, re.S)
    assert len(rows) >= len(chapters) - 1 >= 15
    for name, took in chapters.items():
        if name != "index":
            (row,) = [row for row in rows if f"{name}.html" in row]
            assert f">{took['seconds']:.0f}<" in row.replace("<p>", "").replace("</p>", "")
            assert took["peak_bytes"] < 3e9, name
    assert ("No run on a GPU has been recorded yet." in page) is not ON_GPU.exists()
