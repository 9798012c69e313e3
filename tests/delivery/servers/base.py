"""A server of this machine's own that keeps what it is told, and fails where a test says so."""

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

TOKEN = "tok-9f8e7d6c5b4a"
"""The secret that must show up nowhere."""
SLOW = 0.3
"""Seconds after which a slow server answers; a client's patience is to be shorter."""


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: object = None
    headers: dict = {}  # noqa: RUF012
    kind: str = "application/json"

    def content(self):
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass
class Fault:
    """What goes wrong, with the next requests whose "METHOD /path" holds ``on``.

    ``reply`` is given instead of the true one. The request has its effect only if ``acts``. ``how``: the answer goes
    out 'whole', 'slow', 'half', or not at all, the connection being 'cut'.
    """

    on: str
    reply: Reply | None = None
    acts: bool = False
    how: str = "whole"
    times: int = 1
    after: int = 0


@dataclass
class Server:
    """A vendor's server; what it does with a request says `answer`."""

    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method, path, headers, body):
        raise NotImplementedError

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def handled(self, method, path, headers, body):
        """Return the reply, and how it goes out."""
        with self.lock:
            line = f"{method} {path}"
            self.asked.append(line)
            fault = next((each for each in self.faults if each.on in line and each.times > 0), None)
            if fault and fault.after > 0:
                fault.after -= 1
                fault = None
            if fault is None:
                return self.answer(method, path, headers, body), "whole"
            fault.times -= 1
            true = self.answer(method, path, headers, body) if fault.acts else None
            return fault.reply or true or Reply(200, {}), fault.how

    def __enter__(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply, how = owner.handled(self.command, self.path, self.headers, body)
                content = reply.content()
                if how == "slow":
                    time.sleep(SLOW)
                if how == "cut":
                    self.hang_up()
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if how == "half" else content)
                if how == "half":
                    self.hang_up()

            do_GET = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815

            def hang_up(self):
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                pass

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
