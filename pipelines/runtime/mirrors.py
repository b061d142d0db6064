"""Mirrors: folders of what is read from and written to a bucket, each named after its URL."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from pipelines.runtime.object_store import Bucket

_URL = re.compile(r"(s3|gs|az|abfss?)://[\w.@-]+(/[^?#]*)?")
_LONGEST = 200  # as folders are named after it


def is_url(path: object) -> bool:
    return "://" in str(path)


def usable(path: str) -> str:
    """The path; raises ``ValueError`` for a URL that cannot be used, or not without obstore."""
    if is_url(path):
        if not _URL.fullmatch(path) or len(quote(path, safe="")) > _LONGEST:
            raise ValueError("a bucket is s3://bucket/prefix, gs://… or az://…, without ? and #")
        if find_spec("obstore") is None:
            raise ValueError("object storage needs obstore. Run: pip install 'stille[cloud]'")
    return path


def mirror_folder(url: str, mirrors: Path) -> Path:
    """The folder below ``mirrors`` for the objects below ``url``."""
    return mirrors / quote(url.rstrip("/"), safe="")


def name_of(path: Path) -> str:
    """What messages and records call a file or folder: of a mirror, its object's URL."""
    for place, part in enumerate(path.parts):
        if is_url(url := unquote(part)):
            return "/".join((url, *path.parts[place + 1 :]))
    return path.as_posix()


@cache
def bucket_of(folder: Path) -> "Bucket | None":
    """The bucket that ``folder`` mirrors; None for any other folder."""
    if not is_url(url := unquote(folder.name)):
        return None
    from pipelines.runtime.object_store import Bucket

    return Bucket(url, folder)
