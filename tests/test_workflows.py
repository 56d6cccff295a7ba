"""What runs on GitHub: the workflows, as far as they can be proved without it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import environment
import of_package
import pytest
import tomllib
import yaml
from conftest import ROOT

from _ext import links

GITHUB = ROOT / ".github"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# All that a job may change; everything else it may read, at most.
WRITES = {
    "book.site": {"pages", "id-token"},
    "book.notebooks": {"contents"},
    "links.links": {"issues"},
    "robust.tell": {"issues"},
}


def load(path: Path) -> dict:
    # YAML 1.1, which PyYAML reads, takes `on` for a truth value.
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)


def workflow(name: str) -> dict:
    return load(GITHUB / f"workflows/{name}.yml")


def steps(job: dict) -> list[str]:
    """What the steps of a job run or use."""
    return [step.get("run", step.get("uses")) for step in job["steps"]]


def script(workflow_name: str, job: str, word: str) -> str:
    """The one script of a job that has that word in it."""
    (found,) = [s for s in steps(workflow(workflow_name)["jobs"][job]) if word in s]
    return found


def run_tool(*command: str | Path) -> str:
    """What a tool of the environment complains of; empty if of nothing."""
    tool = Path(sys.executable).with_name(command[0])
    done = subprocess.run([tool, *command[1:]], capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


def schema(github: Path) -> str:
    """What GitHub would not understand in a folder `.github`."""
    check = ("check-jsonschema", "--builtin-schema")
    flows = sorted((github / "workflows").iterdir())
    return run_tool(*check, "vendor.github-workflows", *flows) + run_tool(
        *check, "vendor.dependabot", github / "dependabot.yml"
    )


def zizmor(github: Path) -> str:
    """What an auditor finds unsafe in it."""
    return run_tool("zizmor", "--offline", "--no-progress", "--persona", "pedantic", github)


def rules(github: Path) -> str:
    """What breaks this book's own rules in it."""
    return "\n".join(broken_rules(sorted((github / "workflows").iterdir())))


def broken_rules(flows: list[Path]) -> Iterator[str]:
    pins: dict[str, str] = {}
    for path in flows:
        text, flow = path.read_text(encoding="utf-8"), load(path)
        for line in re.findall(r"^[ -]*uses: *(.*)", text, re.MULTILINE):
            pin = re.fullmatch(r"(actions/[\w-]+)\S*@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
            if not pin or pins.setdefault(*pin.groups()) != pin[2]:
                yield f"not pinned, or in two ways: {line}"
        if "secrets." in text or "pull_request_target" in text:
            yield f"{path.stem} gives outsiders what is not theirs"
        if "GPU_RUNNER" in text and "pull_request" in flow["on"]:
            yield f"{path.stem} lets anyone's pull request on the GPU's machine"
        if flow["permissions"] != {} or "concurrency" not in flow:
            yield f"{path.stem} has permissions for all jobs, or no concurrency group"
        for name, job in flow["jobs"].items():
            job_name = f"{path.stem}.{name}"
            granted = job.get("permissions", {"none": "are stated"})
            writes = {scope for scope, level in granted.items() if level != "read"}
            if writes != WRITES.get(job_name, set()):
                yield f"{job_name} may write {writes}"
            if "timeout-minutes" not in job:
                yield f"{job_name} has no timeout"
            for step in job["steps"]:
                kept = step.get("with", {}).get("persist-credentials")
                if "actions/checkout" in step.get("uses", "") and kept != "false":
                    yield f"{job_name} leaves the token on the disk"
            yield from missing(f"{job_name}: ", "\n".join(steps(job)))


def missing(where: str, commands: str) -> Iterator[str]:
    """The targets, tools and files that commands name, but that are not there."""
    targets = re.findall(
        r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for target in re.findall(r"\bmake (\S+)", commands):
        if target not in targets:
            yield f"{where}make has no target {target}"
    for tool in re.findall(r"\.venv/bin/([\w-]+)", commands):
        if not Path(sys.executable).with_name(tool).exists():
            yield f"{where}there is no {tool} in .venv"
    modules = (name.replace(".", "/") + ".py" for name in re.findall(r"-m (_ext[.\w]+)", commands))
    for file in [*modules, *re.findall(r"\b_?[a-z]\w*/\w+\.py\b|requirements\.txt", commands)]:
        if not (ROOT / file).exists():
            yield f"{where}there is no {file}"


@pytest.mark.parametrize("check", [schema, zizmor, rules])
def test_nothing_is_wrong(check):
    assert not check(GITHUB)


@pytest.mark.parametrize(
    ("check", "file", "old", "new", "said"),
    [
        (
            schema,
            "workflows/ci.yml",
            "timeout-minutes: 10",
            "timeout: 10",
            "'timeout' was unexpected",
        ),
        (rules, "workflows/ci.yml", "timeout-minutes: 10", "", "ci.lint has no timeout"),
        (rules, "workflows/ci.yml", " # v7.0.1", "", "not pinned"),
        (rules, "workflows/ci.yml", "@3d3c42e5", "@00000000", "in two ways"),
        (
            rules,
            "workflows/ci.yml",
            "@3d3c42e5aac5ba805825da76410c181273ba90b1",
            "@v7",
            "not pinned",
        ),
        (rules, "workflows/ci.yml", "permissions: {}", "permissions: read-all", "for all jobs"),
        (rules, "workflows/ci.yml", "contents: read", "contents: write", "may write {'contents'}"),
        (
            rules,
            "workflows/ci.yml",
            "    permissions:\n      contents: read # to check out\n",
            "",
            "none",
        ),
        (rules, "workflows/ci.yml", "persist-credentials: false", "fetch-depth: 1", "on the disk"),
        (rules, "workflows/ci.yml", "  pull_request:\n", "  pull_request_target:\n", "outsiders"),
        (rules, "workflows/ci.yml", "concurrency:", "env:", "no concurrency group"),
        (rules, "workflows/ci.yml", "make book", "make books", "no target books"),
        (rules, "workflows/ci.yml", "ruff check", "rough check", "no rough"),
        (rules, "workflows/ci.yml", "of_package.py", "on_package.py", "no tests/on_package"),
        (rules, "workflows/links.yml", "_ext.links", "_ext.link", "no _ext/link.py"),
        (
            zizmor,
            "workflows/links.yml",
            "$GITHUB_REF_NAME",
            "${{ github.ref_name }}",
            "template-injection",
        ),
        (rules, "workflows/book.yml", "  schedule:", "  pull_request:\n  schedule:", "anyone's"),
        (schema, "dependabot.yml", "monthly", "yearlong", "'yearlong' is not"),
        (zizmor, "dependabot.yml", "cooldown: { default-days: 7 }", "", "dependabot-cooldown"),
    ],
)
def test_what_would_be_wrong_is_found(tmp_path, check, file, old, new, said):
    copy = tmp_path / ".github"
    shutil.copytree(GITHUB, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text
    (copy / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert said in check(copy)


def test_pythons_are_those_that_are_supported():
    jobs = workflow("ci")["jobs"]
    oldest, newest = jobs["book"]["strategy"]["matrix"]["python"]
    assert oldest == ".".join(map(str, environment.OLDEST))
    assert f"on Python 3.10 to {newest}" in (ROOT / "README.md").read_text(encoding="utf-8")
    (for_package,) = (
        step["with"]["python-version"]
        for step in jobs["package"]["steps"]
        if "setup-python" in step.get("uses", "")
    )
    assert PYPROJECT["project"]["requires-python"] == f">={for_package}"


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("import torch\nfrom d2lutil import data\ndef test_a(tmp_path): ...", False),
        ("from _ext import links", True),
        ("import yaml", True),
        ("import environment", True),
        ("import sphinx.application", True),
        ("def test_a(site, browser): ...", True),
    ],
)
def test_a_test_of_the_package_alone_is_told_from_others(source, needed):
    assert of_package.needs_book(source) is needed


def test_tests_of_the_package_run_on_every_system():
    assert "$(python tests/of_package.py)" in script("ci", "package", "pytest")
    run = subprocess.check_output([sys.executable, "tests/of_package.py"], cwd=ROOT, text=True)
    assert {"tests/test_data.py", "tests/test_training.py"} <= set(run.split())
    assert not {"tests/test_site.py", "tests/test_workflows.py"} & set(run.split())


def test_no_commit_is_proved_twice():
    on = workflow("ci")["on"]
    assert {"push", "pull_request"} <= on.keys()
    assert on["push"]["branches"] == [load(ROOT / "_config.yml")["repository"]["branch"]]


def test_a_pull_request_is_tried_where_it_changed_code(tmp_path):
    page = "# Title\n\n```{code-cell}\n1\n```\n"
    before = {"one/same.md": page, "one/changed.md": page, "one/gone.md": page, "back/words.md": ""}
    after = {"one/changed.md": page * 2, "two/new.md": page, "back/words.md": "words"}
    after |= {"two/$(touch hacked).md": page, "two/deeper/page.md": page}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for pages in (before, after):
        for name, text in pages.items():
            path = tmp_path / "chapters" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if pages is after:
            (tmp_path / "chapters/one/gone.md").unlink()
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", "pages"], check=True)
    output = tmp_path / "output"
    bash(script("robust", "robust", "git diff"), tmp_path, {"GITHUB_OUTPUT": str(output)})
    assert output.read_text() == "chapters=one/changed two/new\n"


@pytest.mark.parametrize(
    ("repository", "branch", "runner", "published", "said"),
    [
        ("{home}", "{branch}", "a-gpu", True, ""),
        ("{home}", "{branch}", "", True, "No GPU"),
        ("someone/fork", "{branch}", "a-gpu", False, "Nothing is published"),
        ("{home}", "try-out", "a-gpu", False, "Nothing is published"),
    ],
)
def test_published_from_its_home_alone(tmp_path, repository, branch, runner, published, said):
    config = load(ROOT / "_config.yml")
    server, home = re.fullmatch(r"(https://[^/]+)/(.+)", config["repository"]["url"]).groups()
    place = {"home": home, "branch": config["repository"]["branch"]}
    output = tmp_path / "output"
    environ = {
        "GITHUB_SERVER_URL": server,
        "GITHUB_REPOSITORY": repository.format_map(place),
        "GITHUB_REF_NAME": branch.format_map(place),
        "GITHUB_OUTPUT": str(output),
        "GPU_RUNNER": runner,
    }
    done = bash(script("book", "plan", "GPU_RUNNER"), ROOT, environ)
    assert ("is-home=true" in output.read_text()) == published
    branch_line = f"notebooks-branch={config['sphinx']['config']['notebooks_branch']}\n"
    assert branch_line in output.read_text()
    assert said in done
    assert bool(said) == bool(done)
    assert workflow("book")["on"]["push"]["branches"] == [place["branch"]]


def bash(script: str, folder: Path, environ: dict[str, str]) -> str:
    """Run a script as GitHub does, and give back what it says."""
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_published_before_it_is_checked():
    jobs = workflow("book")["jobs"]
    assert jobs["book"]["if"] == "needs.plan.outputs.is-home == 'true'"
    assert jobs["site"]["needs"] == "book"
    assert "book" in jobs["notebooks"]["needs"]
    assert not {"if", "continue-on-error"} & {*jobs["site"], *jobs["notebooks"]}
    order = ["nvidia-smi", "make book", "tests/test_results.py", "pages-artifact"]
    done = steps(jobs["book"])
    found = [next(i for i, step in enumerate(done) if word in step) for word in order]
    assert found == sorted(found)
    assert not any("continue-on-error" in step for step in jobs["book"]["steps"])


@pytest.fixture
def tools(tmp_path) -> Path:
    """A folder with a `gh` that writes down how it was called, and answers with `answer`."""
    folder = tmp_path / "tools"
    folder.mkdir()
    gh = folder / "gh"
    gh.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n[ "$2" != list ] || echo "$answer"\n')
    gh.chmod(0o755)
    return folder


def test_notebooks_become_a_branch_without_a_past(tmp_path, tools):
    remote = tmp_path / "owner/book"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    environ = {"GITHUB_SERVER_URL": str(tmp_path), "GITHUB_REPOSITORY": "owner/book"}
    environ |= {"BRANCH": "notebooks", "PATH": f"{tools}:{os.environ['PATH']}"}
    for sha, name in [("one", "old"), ("two", "new")]:
        folder = tmp_path / sha / "foundations"
        folder.mkdir(parents=True)
        (folder / f"{name}.ipynb").write_text("{}")
        bash(script("book", "notebooks", "git"), folder.parent, environ | {"GITHUB_SHA": sha})
    git = ["git", "-C", str(remote)]
    log = subprocess.check_output([*git, "log", "--format=%s", "notebooks"], text=True)
    assert log == "The students' notebooks of two\n"
    files = subprocess.check_output([*git, "ls-tree", "-r", "--name-only", "notebooks"], text=True)
    assert files == "foundations/new.ipynb\n"


def record(uri: str, status: str, info: str) -> str:
    return json.dumps({"filename": "a.md", "status": status, "uri": uri, "info": info}) + "\n"


def test_a_link_is_told_of_when_it_failed_twice(tmp_path, capsys):
    output, last, this = (tmp_path / name for name in ("output.json", "last.json", "this.json"))
    gone = "404 Client Error: Not Found for url: x"
    output.write_text(
        record("https://fine.example", "working", "")
        + record("https://gone.example", "broken", gone)
        + record("https://robots.example", "broken", "403 Client Error: Forbidden for url: x")
        + record("https://lost.example", "broken", "Failed to resolve 'lost.example'")
    )
    links.main(str(output), str(last), str(this))
    assert capsys.readouterr().out == ""
    assert set(json.loads(this.read_text())) == {"https://gone.example", "https://lost.example"}

    last.write_text(json.dumps({"https://gone.example": "", "https://fine.example": ""}))
    links.main(str(output), str(last), str(this))
    told = capsys.readouterr().out
    assert f"- <https://gone.example>\n  `a.md`: {gone}\n" in told
    assert told.count("<") == 1


@pytest.mark.parametrize(
    ("job", "issue", "open_issue", "calls"),
    [
        ("links", "", "", []),
        ("links", "text", "", ["list", "create"]),
        ("links", "text", "7", ["list", "edit 7"]),
        ("robust", "text", "", ["list", "create"]),
        ("robust", "text", "7", ["list", "edit 7"]),
    ],
)
def test_there_is_one_issue_at_most(tmp_path, tools, job, issue, open_issue, calls):
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build/issue.md").write_text(issue)
    (tmp_path / "robust.txt").write_text("rnn: 5 of 8 passed")
    path = f"{tools}:{os.environ['PATH']}"
    tell = script(job, "links" if job == "links" else "tell", "gh issue")
    bash(tell, tmp_path, {"PATH": path, "TITLE": "Links", "answer": open_issue})
    made = (tools / "calls").read_text().splitlines() if (tools / "calls").exists() else []
    assert len(made) == len(calls)
    assert all(call.startswith(f"issue {start}") for call, start in zip(made, calls, strict=True))


def test_dependabot_leaves_alone_what_is_held_back():
    (pins,) = (u for u in load(GITHUB / "dependabot.yml")["updates"] if "ignore" in u)
    project = PYPROJECT["project"]
    held = {
        re.match(r"[\w-]+", requirement)[0]
        for needed in (project["dependencies"], *project["optional-dependencies"].values())
        for requirement in needed
        if re.search("[=<]", requirement)
    }
    assert {entry["dependency-name"] for entry in pins["ignore"]} == held
