"""Setting up: what is refused, and in which words."""

from __future__ import annotations

import ast

import environment
import pytest
from conftest import ROOT


@pytest.mark.parametrize(
    ("version", "free", "said"),
    [
        ((3, 9, 2), 1e12, "needs Python 3.11 or newer; this is 3.9"),
        ((3, 10, 14), 1e12, "needs Python 3.11 or newer; this is 3.10"),
        ((3, 11, 0), 3.2e9, "needs 7 GB of disk; 3.2 GB are free"),
    ],
)
def test_a_machine_that_will_not_do_is_told_so_in_one_line(version, free, said):
    complaint = environment.complaint(version, free)
    assert said in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 14, 0)])
def test_a_machine_that_will_do_is_taken(version):
    assert environment.complaint(version, 50e9) is None


def test_an_old_python_can_read_the_script_that_refuses_it():
    source = (ROOT / "_ext/environment.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 4))
