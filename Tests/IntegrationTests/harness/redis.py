# SPDX-License-Identifier: Apache-2.0
"""A Redis server for one test, and the parts of a client that tests need."""

import signal
import socket
import threading
import time
from pathlib import Path

from .ports import free_port
from .process import ChildProcess


class Redis:
    """redis-server on a free port and on a unix socket, without persistence. Options are those of its configuration."""

    def __init__(self, folder: Path, *options, port: int = None, certificate=None, authority=None, password: str = None,
                 user: str = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.password, self.user = folder, password, user
        self.port = port or free_port()
        self.socket = str(folder / "redis.sock")
        self.options = [*map(str, options)]
        if certificate:
            self.secure_port = free_port()
            self.options += ["--tls-port", self.secure_port, "--tls-cert-file", certificate.certificate, "--tls-key-file",
                             certificate.key, "--tls-ca-cert-file", authority.path, "--tls-auth-clients", "no"]
        self.starts = 0
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        self.starts += 1
        self.process = ChildProcess(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--unixsocket", self.socket, "--save", "",
             "--appendonly", "no", "--dir", self.folder, *self.options], self.folder / f"redis{self.starts}.log")
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def stop(self):
        """Stops the server; its data is lost."""
        self.process.kill()

    def freeze(self):
        """Suspends the server; connections stay open but get no replies."""
        self.process.child.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.child.send_signal(signal.SIGCONT)

    def __call__(self, *command):
        """Runs one command and returns its reply."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            stream = connection.makefile("rwb")
            if self.password:
                self._write(stream, ["AUTH", *([self.user] if self.user else []), self.password])
                assert self._read(stream) == b"OK"
            self._write(stream, command)
            return self._read(stream)

    def keys(self, pattern: str = "*") -> list:
        return sorted(key.decode() for key in self("KEYS", pattern))

    @staticmethod
    def _write(stream, command):
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
        stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        stream.flush()

    def _read(self, stream):
        line = stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._read(stream) for _ in range(int(rest))]
        return rest


class Wire:
    """A network link between gates and a server that can be cut without either side being notified."""

    def __init__(self, port: int):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_cut = threading.Event()
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 2)
            except OSError:
                near.close()
                continue
            self.sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source, sink):
        try:
            source.settimeout(None)
            while data := source.recv(65536):
                if not self.is_cut.is_set():
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.is_cut.set()

    def restore(self):
        """Restores the link. Data sent meanwhile is lost, and so are the connections that sent it."""
        self.is_cut.clear()
        for end in self.sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def close(self):
        self.listener.close()
        self.restore()


class FaultyRedis:
    """Replies as Redis does, except to the commands in `answers`: bytes, or a function of the command's parts.

    A reply of None closes the connection. Counts connections and commands.
    """

    RIGHT = {b"PING": b"+PONG\r\n", b"AUTH": b"+OK\r\n", b"SELECT": b"+OK\r\n", b"SET": b"+OK\r\n", b"EVAL": b":1\r\n",
             b"DEL": b":0\r\n", b"GET": b"$-1\r\n", b"ZSCAN": b"*2\r\n$1\r\n0\r\n*0\r\n"}

    def __init__(self, **answers):
        self.answers = {name.encode(): answer for name, answer in answers.items()}
        self.connects, self.commands = [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connects.append(time.monotonic())
            self.sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            stream = connection.makefile("rb")
            while line := stream.readline():
                parts = []
                for _ in range(int(line[1:])):
                    size = int(stream.readline()[1:])
                    parts.append(stream.read(size + 2)[:-2])
                self.commands.append(parts)
                connection.sendall(self._answer(parts))
        except (OSError, ValueError, TypeError):
            pass
        connection.close()

    def _answer(self, parts) -> bytes:
        name = parts[0].upper()
        if name in self.answers:
            answer = self.answers[name]
            return answer(parts) if callable(answer) else answer
        if name == b"SUBSCRIBE":
            return b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n" % (len(parts[1]), parts[1])
        return self.RIGHT[name]

    def count(self, name: str) -> int:
        return sum(parts[0].upper() == name.encode() for parts in self.commands)

    def close(self):
        self.listener.close()
        for connection in self.sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
