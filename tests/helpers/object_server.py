"""An S3-compatible server on loopback that writes down every request."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "not-to-be-written-anywhere"  # noqa: S105  (of a server that lives for one module)


@dataclass
class ObjectServer:
    """Where it answers, and (method, path) of the requests to it."""

    address: str
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def client(self):
        keys = {"aws_access_key_id": "id", "aws_secret_access_key": SECRET}
        return boto3.client("s3", endpoint_url=self.address, region_name="us-east-1", **keys)

    def downloads(self) -> list[str]:
        """The paths of the objects that were read since the last call, of all buckets."""
        paths = [path for method, path in self.requests if method == "GET" and path.count("/") > 1]
        self.requests.clear()
        return paths


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        pass


@contextmanager
def object_server(*buckets: str) -> Iterator[ObjectServer]:
    application = DomainDispatcherApplication(create_backend_app)
    requests: list[tuple[str, str]] = []

    def recorded(environ, start_response):
        requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return application(environ, start_response)

    # One request at a time: the server compares and writes in two steps.
    server = make_server("127.0.0.1", 0, recorded, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        started = ObjectServer(f"http://127.0.0.1:{server.server_port}", requests)
        for bucket in buckets:
            started.client().create_bucket(Bucket=bucket)
        yield started
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
