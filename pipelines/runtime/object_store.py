"""Object storage (S3, Azure, Google) through obstore; imported where a mirror is used.

Credentials and endpoints are those of the environment, as obstore reads them.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from zlib import crc32

import obstore
from filelock import FileLock
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import from_url

from features.errors import PublicationError
from pipelines.runtime.atomic_files import sync

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, UpdateVersion
    from obstore.store import ClientConfig, RetryConfig

_STATUS, _CODE = re.compile(r"status code: (\d+ [\w ]+)"), re.compile(r"<Code>(\w+)</Code>")
_QUERY = re.compile(r"\?[^\s)]+")  # addresses in messages may be signed
_RETRIES: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(minutes=1)}
# The time of a whole object; HTTP where the endpoint of the environment says so.
_OPTIONS: "ClientConfig" = {"timeout": timedelta(minutes=10), "allow_http": True}
_SECOND = 10**9


class Bucket:
    """The objects below a URL, by their keys relative to it, and the folder that mirrors them.

    Every method raises ``PublicationError`` when storage refuses.
    """

    def __init__(self, url: str, mirror: Path) -> None:
        self.url, self.mirror = url, mirror
        with self._errors("open"):
            self._store = from_url(url, client_options=_OPTIONS, retry_config=_RETRIES)

    def objects(self, folder: str = "") -> "dict[str, ObjectMeta]":
        """Every object below ``folder`` by its key: size, etag and time of its last change."""
        with self._errors(f"list {folder or 'the objects'} of"):
            batches = obstore.list(self._store, folder or None)
            found = {each["path"]: each for batch in batches for each in batch}
        # Some programs write an empty object for a folder.
        folders = {str(parent) for key in found for parent in PurePosixPath(key).parents}
        return {key: each for key, each in found.items() if key not in folders}

    def get(self, key: str) -> "tuple[bytes, UpdateVersion] | None":
        """An object's bytes and its version, for ``put``; None when it is not there."""
        with self._errors(f"read {key} of"):
            try:
                answer = obstore.get(self._store, key)
            except FileNotFoundError:
                self.objects(key)  # so that a bucket that is not there is no empty one
                return None
            version: UpdateVersion = {"e_tag": answer.meta["e_tag"]}
            if answer.meta["version"]:
                version["version"] = answer.meta["version"]
            return bytes(answer.bytes()), version

    def pull(self, folder: str, needed: Callable[[str], bool]) -> dict[str, tuple[int, int]]:
        """Have the ``needed`` objects below ``folder`` in the mirror, and no others of their kind.

        Gives their size and ``_version_ns`` by key, which their copies have as time of change.
        """
        lock = FileLock(self.mirror.with_name(f"{self.mirror.name}.lock"))
        with self._errors(f"copy {folder or 'objects'} of"), lock:
            files = [path for path in (self.mirror / folder).rglob("*") if path.is_file()]
            about = {path.relative_to(self.mirror).as_posix(): path.stat() for path in files}
            copies = {key: (each.st_size, each.st_mtime_ns) for key, each in about.items()}
            objects = {key: each for key, each in self.objects(folder).items() if needed(key)}
            for key in filter(needed, copies.keys() - objects.keys()):
                (self.mirror / key).unlink()
            versions = {key: (each["size"], _version_ns(each)) for key, each in objects.items()}
            for key, version in versions.items():
                if copies.get(key) != version:
                    self.download(key, version[1])
            return versions

    def download(self, key: str, changed_ns: int | None = None) -> None:
        """Copy an object into the mirror whole, and give the copy that time of change."""
        path, temporary = self.mirror / key, self.mirror.with_name(secrets.token_hex(8))
        with self._errors(f"read {key} of"):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("wb") as file:
                    file.writelines(obstore.get(self._store, key).stream())
                if changed_ns is not None:
                    os.utime(temporary, ns=(changed_ns, changed_ns))
                sync(temporary)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)

    def put(self, key: str, content: bytes | Path, mode: "PutMode" = "overwrite") -> bool:
        """Write an object whole; False when it exists (``create``) or has another version."""
        with self._errors(f"write {key} to"):
            try:
                obstore.put(self._store, key, content, mode=mode)
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, of which another machine may have deleted some."""
        with self._errors("delete objects of"), suppress(FileNotFoundError):
            obstore.delete(self._store, [*keys])

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            text = str(error)
            known = [*_STATUS.findall(text), *_CODE.findall(text)]
            reason = ", ".join(known) or _QUERY.sub("?…", text.partition("\n")[0])
            raise PublicationError(
                f"cannot {doing} {self.url}: {reason}. The last good publication stands. Look for "
                "the bucket and the credentials (AWS_…, AZURE_…, GOOGLE_…), then run again."
            ) from None


def _version_ns(about: "ObjectMeta") -> int:
    """The second of the object's last change, and for the rest a checksum of its etag."""
    tag = crc32(str(about["e_tag"]).encode()) % _SECOND
    return int(about["last_modified"].timestamp()) * _SECOND + tag
