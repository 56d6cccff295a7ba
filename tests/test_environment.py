"""Setting up: what is refused, that nothing but `.venv` is touched, and what is mended.

A small project is set up, offline, with a `uv` that is made here: it installs only the names of
packages, and writes down what it was told. Once that is done by Python's own pip; then, to be
quick, with a `pip` that does nothing.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import environment
import lab
import pytest
from conftest import ROOT

FAKE_UV = """
import json, os, re, sys, sysconfig
if "--show-settings" in sys.argv:
    print(open("uv-settings").read() if os.path.exists("uv-settings") else "    target: None,")
    sys.exit()
with open("calls.json", "a") as file:
    call = {"arguments": sys.argv[1:], "prefix": sys.prefix, "environ": dict(os.environ)}
    print(json.dumps(call), file=file)
if os.path.exists("uv-fails"):
    sys.exit(2)
for pin in open("requirements.txt").read().split() if sys.argv[2] == "sync" else ["d2lutil==0.1.0"]:
    name = pin.replace("==", "-") + ".dist-info"
    os.makedirs(os.path.join(sysconfig.get_path("purelib"), name), exist_ok=True)
"""
QUICK = """
import glob, shutil, sys
sys.path.insert(0, "_ext")
import environment
real = environment._call
def call(command, environ):
    real([*command[:4], "--without-pip", *command[4:]] if "venv" in command else command, environ)
    if "venv" in command:
        (packages,) = glob.glob(".venv/lib/python*/site-packages")
        shutil.copytree(sys.argv[1], packages, dirs_exist_ok=True)
environment._call = call
environment.main(sys.argv[2:])
"""
# What another Python, a tool or a cautious user may have set. Each would lead the set-up astray.
ASTRAY = {
    "UV_SYSTEM_PYTHON": "1",  # as in Colab
    "UV_PYTHON": "/usr/bin/python3",
    "UV_TARGET": "/nowhere",
    "UV_PROJECT_ENVIRONMENT": "/nowhere",
    "UV_CONSTRAINT": "/nowhere",
    "PIP_USER": "1",
    "PIP_TARGET": "/nowhere",
    "PIP_PREFIX": "/nowhere",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_CONSTRAINT": "/nowhere",
    "VIRTUAL_ENV": "/nowhere",
    "CONDA_PREFIX": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "PYTHONHOME": "/nowhere",
    "PYTHONUSERBASE": "/nowhere",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONSAFEPATH": "1",
    "PYTHONOPTIMIZE": "2",  # no assert would hold
}
# How a registry is reached. Without them there may be no set-up at all.
REGISTRY = {
    "PIP_NO_INDEX": "1",
    "PIP_INDEX_URL": "https://pip.example",
    "PIP_EXTRA_INDEX_URL": "https://more.example",
    "PIP_CERT": "/certificate",
    "PIP_TRUSTED_HOST": "pip.example",
    "UV_INDEX_URL": "https://uv.example",
    "UV_DEFAULT_INDEX": "https://uv.example",
    "UV_INDEX_HERE_PASSWORD": "secret",
    "UV_NATIVE_TLS": "true",
    "UV_HTTP_TIMEOUT": "300",
    "HTTPS_PROXY": "http://proxy.example",
    "SSL_CERT_FILE": "/certificate",
}
# Where a user's own settings of what the build runs are looked for.
SETTINGS = {
    "IPYTHONDIR": "/nowhere",
    "JUPYTER_PATH": "/nowhere",
    "JUPYTER_CONFIG_DIR": "/nowhere",
    "JUPYTER_CONFIG_PATH": "/nowhere",
    "JUPYTER_DATA_DIR": "/nowhere",
    "MPLBACKEND": "agg",
    "MPLCONFIGDIR": "/nowhere",
    "MATPLOTLIBRC": "/nowhere",
}


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


def test_only_the_registry_is_kept_of_what_is_set():
    clean = environment.clean_environment(
        ASTRAY | REGISTRY | {"PATH": "/bin", "D2LUTIL_SCALE": "full"}
    )
    assert not ASTRAY.keys() & clean.keys()
    assert {name: clean[name] for name in REGISTRY} == REGISTRY
    assert (clean["PATH"], clean["D2LUTIL_SCALE"]) == ("/bin", "full")


def test_settings_of_ipython_jupyter_and_matplotlib_are_the_users_only_if_wanted():
    clean = environment.clean_environment(SETTINGS)
    assert not {"JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "MPLBACKEND", "MATPLOTLIBRC"} & clean.keys()
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR"):
        assert clean[name].startswith(environment.VENV)
    users = environment.clean_environment(SETTINGS | ASTRAY, user_settings=True)
    assert {name: users.get(name) for name in SETTINGS} == SETTINGS
    assert not ASTRAY.keys() & users.keys()


def test_a_users_settings_change_no_kernel_and_no_plot(tmp_path):
    profile = tmp_path / ".ipython/profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text('c.InteractiveShell.ast_node_interactivity = "all"')
    (tmp_path / ".config/matplotlib").mkdir(parents=True)
    (tmp_path / ".config/matplotlib/matplotlibrc").write_text("lines.linewidth: 9")
    look = [
        "from IPython.core.interactiveshell import InteractiveShell",
        "from IPython.terminal.ipapp import TerminalIPythonApp as App",
        "import matplotlib",
        "app = App.instance(); app.initialize(['--quick'] * 0 + ['-c', 'pass'])",
        "print(app.shell.ast_node_interactivity, matplotlib.rcParams['lines.linewidth'])",
    ]
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    seen = {}
    for users in (True, False):
        there = environment.clean_environment(home, user_settings=users)
        there |= (
            {} if users else {"IPYTHONDIR": str(tmp_path / "empty"), "MPLCONFIGDIR": str(tmp_path)}
        )
        command = [sys.executable, "-c", "\n".join(look)]
        seen[users] = subprocess.check_output(command, env=there, cwd=tmp_path, text=True).split()
    assert seen == {True: ["all", "9.0"], False: ["last_expr", "1.5"]}


@pytest.mark.skipif(os.name == "nt", reason="there homes are not found by HOME")
def test_without_a_home_to_write_to_caches_are_in_venv(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/dev/null/home")
    clean = environment.clean_environment({})
    for name in ("XDG_CACHE_HOME", "UV_CACHE_DIR", "PIP_CACHE_DIR"):
        assert clean[name].startswith(environment.VENV)
    assert environment.clean_environment({"UV_CACHE_DIR": str(tmp_path / "uv")})[
        "UV_CACHE_DIR"
    ] == str(tmp_path / "uv")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not {"XDG_CACHE_HOME", "UV_CACHE_DIR", "PIP_CACHE_DIR"} & set(
        environment.clean_environment({})
    )


class Project:
    """A folder that has what setting up needs, and what stands in for pip and uv."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "_ext").mkdir(parents=True)
        shutil.copy(ROOT / "_ext/environment.py", folder / "_ext")
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "requirements.txt").write_text("six==1.0\nidna==2.0\n")
        for name, main in (("pip", ""), ("uv", FAKE_UV)):
            package = folder / f"packages/{name}"
            package.mkdir(parents=True)
            (package / "__init__.py").touch()
            (package / "__main__.py").write_text(main)

    def set_up(self, *arguments: str, **environ: str) -> str:
        """Run the script with pip and uv replaced; return what it printed."""
        return self.run([sys.executable, "-I", "-c", QUICK, "packages", *arguments], environ)

    def run(self, command: list[str | Path], environ: dict[str, str]) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent)} | environ
        there = {"env": environ, "cwd": self.folder}
        done = subprocess.run(command, **there, capture_output=True, text=True)
        return done.stdout + done.stderr

    @property
    def calls(self) -> list[dict]:
        """How `uv` was called since this was last asked for."""
        path = self.folder / "calls.json"
        calls = (
            [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        )
        path.unlink(missing_ok=True)
        return calls

    @property
    def packages(self) -> Path:
        (folder,) = self.folder.glob(".venv/lib/python*/site-packages")
        return folder

    def is_whole(self) -> bool:
        names = {path.name for path in self.packages.iterdir()}
        pins = (self.folder / "requirements.txt").read_text().replace("==", "-").split()
        return (self.folder / ".venv/.ready").exists() and {f"{p}.dist-info" for p in pins} <= names


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project that the tests below set up, break and move, one after the other."""
    return Project(tmp_path_factory.mktemp("home") / "a book")


def make_wheel(folder: Path) -> None:
    """Write a wheel of the `uv` above, as a registry would have it."""
    version = environment.UV.partition("==")[2]
    info = f"uv-{version}.dist-info"
    with zipfile.ZipFile(folder / f"uv-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("uv/__init__.py", "")
        wheel.writestr("uv/__main__.py", FAKE_UV)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


pytestmark = pytest.mark.skipif(os.name == "nt", reason="the book is built on Linux and macOS")


def test_set_up_astray_touches_nothing_but_venv(project):
    home = project.folder.parent
    other, away, config, wheels = (home / name for name in ("other", "away", "pip.conf", "wheels"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    before = sorted(other.rglob("*"))
    wheels.mkdir()
    make_wheel(wheels)
    config.write_text(f"[install]\ntarget = {away}\n[global]\nuser = true\nfind-links = {wheels}\n")
    printed = project.run(
        [other / "bin/python", "-I", "_ext/environment.py"],
        ASTRAY
        | {"UV_PYTHON": str(other / "bin/python"), "VIRTUAL_ENV": str(other)}
        | {"UV_TARGET": str(away), "PIP_TARGET": str(away), "PYTHONUSERBASE": str(away)}
        | {"PATH": f"{other}/bin:{os.environ['PATH']}"}
        | {"PIP_CONFIG_FILE": str(config), "PIP_NO_INDEX": "1"},
    )
    assert project.is_whole(), printed
    assert sorted(other.rglob("*")) == before
    assert not away.exists()
    venv = str(project.folder / ".venv")
    for call in project.calls:
        arguments = call["arguments"]
        assert arguments[arguments.index("--python") + 1] == f"{venv}/bin/python"
        assert call["prefix"] == venv
        assert not ASTRAY.keys() & call["environ"].keys()
        assert call["environ"]["PIP_NO_INDEX"] == "1"


def test_what_is_whole_is_left_alone(project):
    (project.packages / "debugpy-1.0.dist-info").mkdir()  # an editor's
    assert project.set_up() == ""
    assert project.calls == []
    printed = project.set_up("-c", "import sys; print(sys.prefix, sys.flags.optimize)", **ASTRAY)
    assert printed == f"{project.folder / '.venv'} 0\n"


def test_scripts_of_venv_run_in_the_project(project):
    script = project.folder / ".venv/bin/where"
    script.write_text("#!/bin/sh\npwd; echo $*\n")
    script.chmod(0o755)
    assert project.set_up("where", "--to", "go").split("\n") == [str(project.folder), "--to go", ""]


def test_a_package_that_is_gone_and_a_new_pin_are_installed(project):
    (project.packages / "six-1.0.dist-info").rmdir()
    project.set_up()
    assert project.is_whole()
    assert [call["arguments"][1] for call in project.calls] == ["sync", "install"]
    (project.folder / "requirements.txt").write_text("six==1.1\n")
    project.set_up()
    assert (project.packages / "six-1.1.dist-info").exists()
    assert project.is_whole()
    project.calls  # noqa: B018


def without_pip(project: Project) -> None:
    shutil.rmtree(project.packages / "pip")


def without_python(project: Project) -> None:
    python = project.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere")


def without_end(project: Project) -> None:
    (project.folder / "uv-fails").touch()
    (project.folder / "requirements.txt").write_text("six==1.2\n")
    assert "Setting up .venv failed at: -I -m uv pip sync" in project.set_up()
    assert not (project.folder / ".venv/.ready").exists()
    (project.folder / "uv-fails").unlink()


def moved(project: Project) -> None:
    project.folder = project.folder.rename(project.folder.with_name("another book"))


def before_there_were_stamps(project: Project) -> None:
    (project.folder / ".venv/.ready").write_text("")


@pytest.mark.parametrize(
    "broken", [without_pip, without_python, without_end, moved, before_there_were_stamps]
)
def test_what_is_broken_is_made_anew(project, broken):
    left_over = project.packages / "left_over.py"
    left_over.touch()
    broken(project)
    printed = project.set_up(HOME="/dev/null/home")
    assert project.is_whole(), printed
    assert not (project.packages / left_over.name).exists()
    assert project.calls[-1]["prefix"] == str(project.folder / ".venv")
    assert project.set_up() == ""


def test_a_set_up_waits_for_what_a_killed_one_left_running(project):
    (project.folder / "requirements.txt").write_text("six==1.2.1\n")
    fake = project.packages / "uv/__main__.py"
    text = fake.read_text()
    slow = "import time; open('slow', 'w').close(); time.sleep(3)\n"
    fake.write_text(text.replace("with open(", slow + "with open(", 1))
    command = [sys.executable, "-I", project.folder / "_ext/environment.py"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as first:
        while not (project.folder / "slow").exists():
            time.sleep(0.05)
        first.kill()
    fake.write_text(text)
    assert project.set_up().startswith("Waiting for another set-up")
    assert project.is_whole()
    assert [call["arguments"][1] for call in project.calls] == ["sync", "sync", "install"]


def test_what_a_link_leads_to_is_not_emptied(tmp_path):
    project = Project(tmp_path / "book")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").touch()
    (project.folder / ".venv").symlink_to(tmp_path / "mine")
    assert f".venv leads to {tmp_path / 'mine'}" in project.set_up()
    assert (tmp_path / "mine/file").exists()


def test_packages_that_went_elsewhere_are_missed(tmp_path, project):
    (project.folder / "requirements.txt").write_text("six==1.3\nwin==1 ; sys_platform == 'win32'\n")
    fake = project.packages / "uv/__main__.py"
    text = fake.read_text()
    fake.write_text("")
    printed = project.set_up()
    assert printed.strip().endswith("Missing: six-1-3")
    assert not (project.folder / ".venv/.ready").exists()
    fake.write_text(text)


def test_a_uv_toml_that_sends_packages_elsewhere_is_refused_before_it_does(tmp_path, project):
    (project.folder / "requirements.txt").write_text("six==1.4\n")
    settings = project.folder / "uv-settings"
    settings.write_text('    target: Some(\n        Target(\n            "/nowhere",')
    assert "a uv.toml sends packages elsewhere, by `target` below [pip]." in project.set_up()
    assert project.calls == []
    settings.unlink()
    project.set_up()
    assert project.is_whole()


def test_every_command_of_make_runs_in_venv_and_is_listed():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    assert re.findall(r"^([\w-]+):", makefile, re.MULTILINE) == phony.split()
    listed = subprocess.check_output(["make", "help"], cwd=ROOT, text=True)
    assert re.findall(r"^make ([\w-]+) +\w", listed, re.MULTILINE) == phony.split()


@pytest.mark.parametrize(
    ("target", "variables", "command"),
    [
        ("book", ["CHAPTER=a/b", "DEVICE=cpu"], "D2LUTIL_DEVICE=cpu  {run} -m _ext.execute a/b"),
        ("test", [], "{run} -m pytest -n auto"),
        ("chapter", ["NAME=a/b"], "{run} -m _ext.new_chapter a/b"),
        ("robust", [], "{run} -m _ext.robust"),
        (
            "robust",
            ["CHAPTER=a/b", "SEEDS=5", "WRITE=1"],
            "{run} -m _ext.robust --seeds 5 --write a/b",
        ),
        ("proof-on-gpu", [], "python3 -m _ext.proof_on_gpu"),
    ],
)
def test_make_passes_on_what_it_is_given(target, variables, command):
    environ = {name: os.environ[name] for name in ("PATH", "HOME")}
    printed = subprocess.check_output(
        ["make", "-n", target, *variables], cwd=ROOT, env=environ, text=True
    )
    run = "python3 -I _ext/environment.py"
    assert printed.splitlines()[0].strip() == command.format(run=run)


@pytest.mark.parametrize("change", [None, Path.touch, Path.unlink])
def test_the_site_is_built_again_when_something_has_changed(tmp_path, change):
    shutil.copy(ROOT / "Makefile", tmp_path)
    page, site = tmp_path / "chapters/a.md", tmp_path / "_build/html/.built"
    for file in (page, site):
        file.parent.mkdir(parents=True)
        file.touch()
    for path in (page, page.parent):  # as they were a minute before the site
        os.utime(path, (time.time() - 60, time.time() - 60))
    if change:
        site_time = time.time() - 30
        os.utime(site, (site_time, site_time))
        change(page)
    asked = ["make", "--question", site.relative_to(tmp_path)]
    assert subprocess.run(asked, cwd=tmp_path, check=False).returncode == bool(change)


def test_a_second_lab_keeps_what_the_reader_wrote(tmp_path):
    source, mine = tmp_path / "source", tmp_path / "mine"
    (source / "part").mkdir(parents=True)
    (source / "part/a.ipynb").write_text("old")
    assert lab.copy_new(source, mine) == [Path("part/a.ipynb")]
    (mine / "part/a.ipynb").write_text("my answers")
    (source / "part/a.ipynb").write_text("new")
    (source / "part/b.ipynb").write_text("new")
    assert lab.copy_new(source, mine) == [Path("part/b.ipynb")]
    assert (mine / "part/a.ipynb").read_text() == "my answers"
    assert sorted(path.name for path in (mine / "part").iterdir()) == ["a.ipynb", "b.ipynb"]
