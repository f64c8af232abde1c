# SPDX-License-Identifier: Apache-2.0
"""The upstream and the compared proxies, each one process with one worker."""

import base64
import hashlib
import hmac
import json
import os
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse
import http.client
from pathlib import Path

SECRET = "a-secret-for-measuring-only-00000000001"
LOGIN_URL = "https://idp.test/login?return_url={returnURL}"
SIZES = {"1k": 1 << 10, "100k": 100 << 10, "10m": 10 << 20}


def require(*tools: str):
    """Ends the program when one of these is not installed; allows it as many descriptors as it may have."""
    for tool in tools:
        if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin"):
            raise SystemExit(f"{tool} is missing; `make deps-bench` installs it")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(lifetime: int, **claims) -> str:
    now = int(time.time())
    header = base64url(b'{"alg":"HS256","typ":"JWT"}')
    payload = base64url(json.dumps({
        "sub": "ada", "email": "ada@example.com", "preferred_username": "ada", "groups": "staff,admins",
        "iat": now, "exp": now + lifetime, "jti": os.urandom(16).hex(), **claims}).encode())
    signature = hmac.new(SECRET.encode(), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    return f"{header}.{payload}.{base64url(signature)}"


class Process:
    """A started server and the kernel's figures for it."""

    started: list = []
    is_encrypted = False

    def __init__(self, name: str, arguments, port: int, folder: Path, under=()):
        self.name, self.port, self.folder = name, port, folder
        self.log = folder / f"{name}.log"
        environment = {n: v for n, v in os.environ.items() if not n.startswith("SIDEGATE")}
        environment["PATH"] = environment.get("PATH", "") + ":/usr/sbin"
        with open(self.log, "wb") as output:
            self.child = subprocess.Popen([*map(str, under), *map(str, arguments)], stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=subprocess.STDOUT, env=environment)
        self.pid = self.child.pid
        Process.started.append(self)
        # However long a start takes, under a measuring program many times its usual time: it fails when it no longer works.
        while not self.accepts():
            if self.child.poll() is not None or self.is_stuck():
                self.child.kill()
                raise SystemExit(f"{name} did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.02)

    def accepts(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def is_stuck(self) -> bool:
        """It has used no processor time for 20 seconds, since the first call that found it so."""
        used, now = self.cpu_seconds(), time.monotonic()
        last, since = getattr(self, "progress", (None, now))
        self.progress = (used, now) if last is None or used - last > 0.05 else (last, since)
        return now - self.progress[1] > 20

    def cpu_seconds(self) -> float:
        """User and system time of all its threads, including those that have ended, from a clock in nanoseconds."""
        return time.clock_gettime((~self.pid << 3) | 2)  # clock_getcpuclockid(3)

    def memory(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    @staticmethod
    def stop_all():
        for process in Process.started:
            process.stop()

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def nginx(name: str, folder: Path, under, http: str, port: int) -> Process:
    place = folder / name
    place.mkdir()
    (place / "nginx.conf").write_text(f"""
        daemon off; master_process off; worker_processes 1; pid {place}/pid; error_log stderr crit;
        {"user root;" if os.geteuid() == 0 else ""}
        worker_rlimit_nofile 19000;
        events {{ worker_connections 16000; }}
        http {{
            access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 300s;
            keepalive_requests 100000000; client_body_temp_path {place}/b; proxy_temp_path {place}/p;
            fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
            {http}
        }}
    """)
    return Process(name, ["nginx", "-e", "stderr", "-p", place, "-c", place / "nginx.conf"], port, folder, under)


def start_upstream(folder: Path) -> Process:
    """nginx with three files; `folder` is in memory where /dev/shm exists."""
    files = folder / "files"
    files.mkdir()
    for name, size in SIZES.items():
        (files / name).write_bytes(os.urandom(size))
    port = free_port()
    return nginx("upstream", folder, (), f"""
        open_file_cache max=100;
        server {{ listen 127.0.0.1:{port} backlog=4096; root {files}; }}
    """, port)


def start_sink(folder: Path) -> Process:
    """An app that reads uploads."""
    port = free_port()
    return Process("sink", [sys.executable, Path(__file__).parent / "sink.py", port], port, folder)


def start_nginx(folder: Path, upstream: int, under=(), name="nginx") -> Process:
    """Plain proxying with keep-alive, without sign-in. Large buffers, because small ones slow 10 MiB bodies down; uploads
    are passed on as they arrive."""
    port = free_port()
    return nginx(name, folder, under, f"""
        upstream app {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
        server {{
            listen 127.0.0.1:{port} backlog=4096;
            client_max_body_size 0; client_body_buffer_size 128k; proxy_request_buffering off;
            location / {{
                proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
                proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k;
            }}
        }}
    """, port)


def certificate(folder: Path) -> tuple:
    """An ECDSA P-256 certificate and its key, the kind that most sites use."""
    files = folder / "tls.crt", folder / "tls.key"
    if not files[0].exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        files[1].chmod(0o600)
    return files


def start_nginx_tls(folder: Path, upstream: int, name="nginx-tls") -> Process:
    """Terminates TLS with HTTP/1.1 and HTTP/2, and only proxies."""
    port = free_port()
    crt, key = certificate(folder)
    proxy = nginx(name, folder, (), f"""
        upstream app {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
        server {{
            listen 127.0.0.1:{port} ssl http2 backlog=4096;
            ssl_certificate {crt}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
            ssl_session_tickets on; ssl_session_cache none;
            http2_max_requests 100000000;
            location / {{
                proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
                proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k;
            }}
        }}
    """, port)
    proxy.is_encrypted = True
    return proxy


def start_nghttpx(folder: Path, upstream: int, encrypted=True) -> Process:
    """nghttp2's own proxy: the same HTTP/2 library as Sidegate's, without sign-in."""
    port = free_port()
    crt, key = certificate(folder)
    name = "nghttpx" if encrypted else "nghttpx-plain"
    configuration = folder / f"{name}.conf"
    configuration.write_text("")
    proxy = Process(
        name, ["nghttpx", f"--conf={configuration}", f"-f127.0.0.1,{port}{'' if encrypted else ';no-tls'}",
               f"-b127.0.0.1,{upstream}", "--workers=1", "--single-process", "--errorlog-file=/dev/null",
               "--backend-keep-alive-timeout=300", *([key, crt] if encrypted else [])], port, folder)
    proxy.is_encrypted = encrypted
    return proxy


def start_haproxy(folder: Path, upstream: int, job: str, under=(), name="") -> Process:
    """HAProxy for one job: `plain`, `jwt` (as Sidegate: checks a cookie's token and sets the identity) or `redirect`."""
    port = free_port()
    rules = {
        "plain": "",
        "redirect": "http-request redirect location https://idp.test/login code 302",
        "jwt": f"""
    http-request set-var(txn.jwt) req.cook(session)
    http-request set-var(txn.alg) var(txn.jwt),jwt_header_query('$.alg')
    http-request deny deny_status 401 unless {{ var(txn.alg) -m str HS256 }}
    http-request deny deny_status 401 unless {{ var(txn.jwt),jwt_verify(txn.alg,"{SECRET}") 1 }}
    http-request set-var(txn.exp) var(txn.jwt),jwt_payload_query('$.exp','int')
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
    http-request set-header X-Forwarded-User %[var(txn.jwt),jwt_payload_query('$.sub')]
    http-request set-header X-Forwarded-Email %[var(txn.jwt),jwt_payload_query('$.email')]
    http-request set-header X-Forwarded-Preferred-Username %[var(txn.jwt),jwt_payload_query('$.preferred_username')]
    http-request set-header X-Forwarded-Groups %[var(txn.jwt),jwt_payload_query('$.groups')]
    http-request set-header X-Forwarded-For %[src]
    http-request del-header Cookie""",
    }[job]
    name = name or f"haproxy-{job}"
    configuration = folder / f"{name}.cfg"
    configuration.write_text(f"""
global
    nbthread 1
    maxconn 9000
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
    http-reuse always
frontend in
    bind 127.0.0.1:{port} backlog 4096
    {rules}
    default_backend app
backend app
    server app 127.0.0.1:{upstream} pool-max-conn 256
""")
    return Process(name, ["haproxy", "-db", "-f", configuration], port, folder, under)


class RedisServer(Process):
    """Without persistence."""

    def __init__(self, folder: Path, name="redis"):
        port = free_port()
        super().__init__(name, ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                "--dir", str(folder)], port, folder)


class Sidegate(Process):
    """One worker; checks the session cookie and sets the identity headers. The access log is off, as for the others."""

    def __init__(self, binary: Path, folder: Path, upstream: int, under=(), environment_name="sidegate", tls=False,
                 more: dict = None):
        port = free_port()
        self.is_encrypted = tls
        crt, key = certificate(folder) if tls else (None, None)
        configuration = folder / f"{environment_name}.yaml"
        configuration.write_text(json.dumps({
            "listen": [f"127.0.0.1:{port}"],
            "upstream": {"url": f"http://127.0.0.1:{upstream}", "maxConnections": 512},
            "identityProvider": {"loginURL": LOGIN_URL},
            "token": {"keys": [{"secret": SECRET}]},
            "session": {"secret": "a-session-secret-for-measuring-only-001"},
            "limits": {"keepAliveTimeout": "300s"},
            "workers": 1,
            "log": {"access": False},
            **({"tls": {"certificates": [{"certificate": str(crt), "key": str(key)}]}} if tls else {}),
            **(more or {}),
        }, indent=2))
        configuration.chmod(0o600)
        super().__init__(environment_name, [binary, "run", "--config", configuration], port, folder, under)

    def sign_in(self) -> str:
        """Signs in as a browser does; returns the session cookie."""
        def get(target, cookie=None):
            if self.is_encrypted:
                connection = http.client.HTTPSConnection(
                    "127.0.0.1", self.port, timeout=300, context=ssl._create_unverified_context())
            else:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
            headers = {"Accept": "text/html", **({"Cookie": cookie} if cookie else {})}
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            response.read()
            connection.close()
            cookies = [v.split(";")[0] for n, v in response.getheaders() if n.lower() == "set-cookie"]
            return response.status, response.getheader("Location"), cookies

        status, location, cookies = get("/1k")
        assert status == 302, f"expected a redirect to sign in, got {status}"
        return_url = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))["return_url"]
        parts = urllib.parse.urlsplit(return_url)
        query = f"{parts.query}&jwt={token(60)}" if parts.query else f"jwt={token(60)}"
        status, _, cookies = get(f"{parts.path}?{query}", "; ".join(cookies))
        assert status == 303, f"the sign-in was answered with {status}"
        session = next(c for c in cookies if c.startswith(("sidegate=", "__Host-sidegate=")) and len(c) > 40)
        assert get("/1k", session)[0] == 200
        return session
