"""Makes `.venv`, the environment that the book is built with, and runs commands in it.

    python3 _ext/environment.py                        makes it, or mends it where it must be
    python3 _ext/environment.py -m _ext.execute        then runs its Python
    python3 _ext/environment.py jupyter-book build .   or one of its scripts

It changes nothing outside of `.venv`, and no setting of the user's changes what it does, save how
to reach a registry. Nothing but `.venv` itself is believed about `.venv`: one that an interrupted
set-up has left, or that came here with a moved folder, is made anew.

Runs on whatever Python is there, before anything is installed: the standard library only, and
no syntax that an old Python could not read, so that it can say that the Python is too old.
"""

import ast
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
VENV = os.path.join(ROOT, ".venv")
SCRIPTS = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(SCRIPTS, "python.exe" if os.name == "nt" else "python")
READY = os.path.join(VENV, ".ready")  # written last, with what a whole `.venv` holds
UV = "uv==0.13.8"
OLDEST = (3, 11)
BYTES = 7 * 10**9  # the environment takes some 6 GB, most of it torch

# What makes a Python, an installer, a kernel or a plot another one than the book's. A few variables
# of Python's say only how text is written.
FOREIGN = re.compile(
    "PYTHON(?!UNBUFFERED|UTF8|IOENCODING|DONTWRITEBYTECODE)|PIP_|UV_|CONDA_|VIRTUAL_ENV"
    "|__PYVENV_LAUNCHER__"
)
USER_SETTINGS = re.compile("IPYTHON|JUPYTER_|JUPYTERLAB_|MPL|MATPLOTLIB")
# In the names of pip's and uv's variables: how to reach a registry, and where downloads are kept.
REGISTRY = re.compile(
    "INDEX|FIND_LINKS|CERT|TLS|PROXY|HOST|TIMEOUT|RETRIES|KEYRING|OFFLINE|CACHE_DIR|CONFIG_FILE"
)
# Runs in `.venv`'s Python. Without pip it is half an environment.
LOOK = """
import json, os, pip, sys, sysconfig
installed = os.listdir(sysconfig.get_path("purelib"))
print(json.dumps([sys.prefix, sys.prefix != sys.base_prefix, sys.version_info[:2], installed]))
"""


def complaint(version, free_bytes):
    """Why the environment cannot be made, in a line; None if it can."""
    if tuple(version[:2]) < OLDEST:
        needed, found = (".".join(map(str, v[:2])) for v in (OLDEST, version))
        return "Building the book needs Python " + needed + " or newer; this is " + found + "."
    if free_bytes < BYTES:
        free = str(round(free_bytes / 10**9, 1))
        return "The environment needs 7 GB of disk; " + free + " GB are free in this folder."
    return None


def clean_environment(environ=None, user_settings=False):
    """The environment variables under which the book's Python does the same for every user.

    Made from `environ`, by default this process's. With `user_settings` the user's own settings of
    IPython, Jupyter and matplotlib stay in force; else all three find empty folders in `.venv`.
    """
    clean = {}
    for name, value in (os.environ if environ is None else environ).items():
        foreign = FOREIGN.match(name) or (USER_SETTINGS.match(name) and not user_settings)
        if not foreign or (name.startswith(("PIP_", "UV_")) and REGISTRY.search(name)):
            clean[name] = value
    settings = os.path.join(VENV, "settings")
    if not user_settings:
        clean["IPYTHONDIR"] = os.path.join(settings, "ipython")
        clean["MPLCONFIGDIR"] = os.path.join(settings, "matplotlib")
        clean["JUPYTER_CONFIG_DIR"] = os.path.join(settings, "jupyter")
        clean["JUPYTER_DATA_DIR"] = os.path.join(settings, "jupyter", "data")
        clean["JUPYTER_RUNTIME_DIR"] = os.path.join(settings, "jupyter", "runtime")
        clean["JUPYTER_NO_CONFIG"] = "1"  # nor the whole machine's
    clean["JUPYTER_PREFER_ENV_PATH"] = "1"  # `.venv`'s kernels before all others
    caches = clean.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if os.name != "nt" and not _is_writable(caches):  # a home that is read-only, or none
        clean["XDG_CACHE_HOME"] = os.path.join(settings, "cache")
    for tool in ("uv", "pip"):
        name = tool.upper() + "_CACHE_DIR"
        if not _is_writable(clean.get(name, caches)):
            clean[name] = os.path.join(settings, "cache", tool)
    return clean


def _is_writable(folder):
    """Whether the folder can be written to, or can be made."""
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK)


def _installed():
    """What `.venv` holds, as the names of `.dist-info` folders; None if it does not work here."""
    try:
        command = [PYTHON, "-I", "-c", LOOK]
        output = subprocess.check_output(command, stderr=subprocess.DEVNULL)
        prefix, is_venv, version, names = json.loads(output.decode())
        is_here = is_venv and os.path.samefile(prefix, VENV)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    if not is_here or tuple(version) < OLDEST:
        return None
    return {name for name in names if name.endswith(".dist-info")}


def _wanted():
    """What `.venv` has to hold, in one number."""
    digest = hashlib.sha256(UV.encode())
    for name in ("requirements.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def _stamp():
    """What was written when `.venv` was last whole; an empty dict if it was not, or not here."""
    try:
        with open(READY) as file:
            stamp = json.load(file)
        return stamp if stamp["place"] == VENV else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def set_up():
    """Create the environment, or bring it to the pinned versions; nothing if it has them."""
    stamp, installed = _stamp(), _installed()
    is_usable = stamp and installed is not None
    if is_usable and stamp["wanted"] == _wanted() and installed.issuperset(stamp["installed"]):
        return
    problem = complaint(sys.version_info, BYTES)
    if not problem and not is_usable:
        problem = _clear() or complaint(sys.version_info, shutil.disk_usage(ROOT).free)
    if problem:
        sys.exit(problem)
    print("Setting up .venv (some 6 GB; a few minutes the first time) ...", flush=True)
    environ = clean_environment()
    if is_usable:
        os.remove(READY)  # whatever stops this from here on, the next run begins anew
    else:
        base = getattr(sys, "_base_executable", None) or sys.executable
        _call([base, "-I", "-m", "venv", VENV], environ)
    _call([PYTHON, "-I", "-m", "pip", "install", "--quiet", UV], _pip_environment(environ))
    # `uv pip sync` installs the pinned set as it is. It resolves nothing, so the stale pins
    # that d2l brings along do no harm. Compiled here once, not by each process that imports it.
    _uv("sync", ["--compile-bytecode", "requirements.txt"], environ)
    _uv("install", ["--no-deps", "--editable", "."], environ)
    installed = _installed() or set()
    missing = _pinned() - {_normal(name[: -len(".dist-info")]) for name in installed}
    if missing:
        names = ", ".join(sorted(missing))
        sys.exit("Setting up .venv failed. Missing: " + names)
    with open(READY, "w") as file:
        stamp = {"place": VENV, "wanted": _wanted(), "installed": sorted(installed)}
        json.dump(stamp, file, indent=1)


def _clear():
    """Remove `.venv`; the reason in a line if it is not ours to remove."""
    if not os.path.islink(VENV):
        if os.path.exists(VENV):
            shutil.rmtree(VENV)
    elif not os.path.exists(VENV):
        os.remove(VENV)  # it leads nowhere
    elif os.listdir(VENV):
        where = os.path.realpath(VENV)
        return ".venv leads to " + where + ": empty that folder, or remove the link."
    return None


def _call(command, environ):
    # The lock goes along (see _lock), and what the command starts in its turn ends with it.
    there = {"cwd": ROOT, "env": environ, "close_fds": False, "start_new_session": True}
    process = subprocess.Popen(command, **there)
    try:
        failed = process.wait()
    except BaseException:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        raise
    if failed:
        sys.exit("Setting up .venv failed at: " + " ".join(command[1:]))


def _uv(action, arguments, environ):
    command = [PYTHON, "-I", "-m", "uv", "pip", action, "--python", PYTHON, *arguments]
    settings = subprocess.check_output([*command, "--show-settings"], cwd=ROOT, env=environ)
    elsewhere = re.search(r"^ *(target|prefix): Some", settings.decode(), re.MULTILINE)
    if elsewhere:
        option = "`" + elsewhere.group(1) + "` below [pip]"
        sys.exit("Setting up .venv failed: a uv.toml sends packages elsewhere, by " + option + ".")
    _call([*command, "--quiet"], environ)


def _pip_environment(environ):
    """The environment, with what pip's own files say of the registry, and nothing else of theirs.

    They can also say that packages go to the user's folder, or to any other one.
    """
    command = [PYTHON, "-I", "-m", "pip", "config", "list"]
    every_file = dict(environ, PIP_USER="0")  # `user = true` in one would hide the others
    listed = subprocess.check_output(command, cwd=ROOT, env=every_file).decode()
    # The more special win: a variable over the files, `install.…` in a file over `global.…`.
    entries = [line.partition("=") for line in listed.splitlines() if not line.startswith(":env:")]
    found = {}
    for key, _, value in sorted(entries, key=lambda entry: entry[0].startswith("install.")):
        section, _, option = key.partition(".")
        name = "PIP_" + option.upper().replace("-", "_")
        if section in ("global", "install") and REGISTRY.search(name):
            found[name] = ast.literal_eval(value)
    return dict(found, **dict(environ, PIP_CONFIG_FILE=os.devnull))


def _pinned():
    """The pins of requirements.txt that hold on every machine, as `name-version`."""
    with open(os.path.join(ROOT, "requirements.txt")) as file:
        pins = re.findall(r"^([\w.-]+)==([^\s;\\]+)\s*\\?$", file.read(), re.MULTILINE)
    return {_normal("-".join(pin)) for pin in pins}


def _normal(name):
    return re.sub("[-_.]+", "-", name).lower()


def _lock():
    """Let one set-up at a time run. Whatever this returns holds the lock while it is open.

    What `set_up` starts holds it, too, so that nothing of a set-up that was killed is still at work
    when the next one begins.
    """
    file = open(os.path.realpath(__file__))  # noqa: SIM115
    os.set_inheritable(file.fileno(), True)
    with contextlib.suppress(ImportError, OSError):  # Windows; a file system without locks
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up of .venv to end ...", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
    return file


def run(arguments, user_settings=False):
    """Become `.venv`'s Python with these arguments, or one of its scripts."""
    command = list(arguments)
    if command[0].startswith("-"):
        command.insert(0, PYTHON)
    else:
        command[0] = os.path.join(SCRIPTS, command[0])
    environ = clean_environment(user_settings=user_settings)
    os.chdir(ROOT)
    if os.name == "nt":  # where `exec` leaves the caller with nothing to wait for
        sys.exit(subprocess.call(command, env=environ))
    sys.stdout.flush()
    os.execve(command[0], command, environ)


def _stop(number, _):
    sys.exit(128 + number)  # passes by `_call`


def main(arguments):
    """Set up, then run the arguments, if there are any."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)
    lock = _lock()
    try:
        set_up()
    except KeyboardInterrupt:
        sys.exit("Interrupted. The next run sets up anew.")
    lock.close()
    user_settings = arguments[:1] == ["--user-settings"]
    if arguments[user_settings:]:
        run(arguments[user_settings:], user_settings)


if __name__ == "__main__":
    main(sys.argv[1:])
