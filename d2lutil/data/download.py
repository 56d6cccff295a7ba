"""Downloads: files fetched once, verified by hash, and never left behind in part."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TIMEOUT = 15  # seconds of silence after which a server is given up


def fetch(name: str, resources: Iterable[tuple[str, str]], mirrors: Iterable[str]) -> list[Path]:
    """Return the paths of the files of data set `name`, downloading those that are not there yet.

    `resources` are pairs of a file's name and its MD5, `mirrors` the addresses to try in turn, as
    torchvision's data sets list them. Files are kept in the folder named by ``D2LUTIL_DATA``, else
    in the user's cache. A file gets its name there only once it is complete and its hash is right;
    until then it is a temporary one, which is removed whatever happens.

    Raises ``OSError``, with one line that says what happened, where a file is to be had nowhere.

    >>> fetch("MNIST", torchvision.datasets.MNIST.resources, torchvision.datasets.MNIST.mirrors)
    ... # doctest: +SKIP
    [PosixPath('/home/ada/.cache/d2lutil/MNIST/train-images-idx3-ubyte.gz'), …]
    """
    import pooch
    from tqdm.auto import tqdm

    folder = Path(os.environ.get("D2LUTIL_DATA") or pooch.os_cache("d2lutil")).expanduser() / name
    pooch.get_logger().setLevel("WARNING")  # it announces each download otherwise
    with tqdm(list(resources), desc=f"Fetching {name}", unit="file", leave=False) as bar:
        return [_file(folder, file, f"md5:{md5}", mirrors) for file, md5 in bar]


def _file(folder: Path, file: str, known_hash: str, mirrors: Iterable[str]) -> Path:
    """Return one file's path, from the cache or from the first mirror that gives the right one."""
    import pooch

    downloader = pooch.HTTPDownloader(timeout=TIMEOUT, chunk_size=2**16)
    reasons = []
    for mirror in mirrors:
        try:
            path = pooch.retrieve(
                mirror + file, known_hash, fname=file, path=folder, downloader=downloader
            )
            return Path(path)
        except (OSError, ValueError) as error:
            reasons.append(_reason(error))
    raise OSError(f"{file}: {', then '.join(reasons)}")


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong, where requests says it in a paragraph."""
    from requests import ConnectionError, RequestException, Timeout
    from requests.exceptions import ChunkedEncodingError

    response = getattr(error, "response", None)
    if response is not None:
        return f"{response.status_code} {response.reason}"
    if isinstance(error, Timeout) or "timed out" in str(error):
        return f"no answer for {TIMEOUT} s"
    if isinstance(error, ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, ConnectionError):
        return "connection refused" if "refused" in str(error) else "no connection"
    if isinstance(error, ValueError) and not isinstance(error, RequestException):
        return "wrong hash, so not the file it should be"
    return str(error).partition("\n")[0]
