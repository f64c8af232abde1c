# SPDX-License-Identifier: Apache-2.0
"""Real apps behind the gate: nginx with files, PHP's own server, Flask."""

import os
import sys
from pathlib import Path

from .ports import free_port
from .process import ChildProcess

PHP_APP = Path(__file__).parent.parent / "php" / "app.php"
WSGI_APP = Path(__file__).parent.parent / "wsgi" / "environment.py"


class Nginx:
    """One nginx process that serves a folder. `locations` is nginx configuration; with a certificate it speaks TLS, and
    HTTP/2 to clients that negotiate it."""

    def __init__(self, folder: Path, locations: str = "", certificate=None):
        self.port = free_port()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        secure = f"""ssl_certificate {certificate.certificate}; ssl_certificate_key {certificate.key};
                     ssl_protocols TLSv1.2 TLSv1.3;
                    """ if certificate else ""
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        configuration = folder / "nginx.conf"
        configuration.write_text(f"""
            daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
            {"user root;" if os.geteuid() == 0 else ""}
            events {{ worker_connections 1024; }}
            http {{
                access_log off; client_max_body_size 0; keepalive_requests 1000000; sendfile on;
                client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                server {{
                    listen 127.0.0.1:{self.port}{" ssl http2" if certificate else ""};
                    {secure}
                    root {self.files};
                    {locations}
                }}
            }}
        """)
        self.process = ChildProcess(
            ["nginx", "-e", "stderr", "-c", configuration, "-p", folder], folder / "nginx.log")
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def file(self, name: str, content: bytes = b"", size: int = None) -> Path:
        """Creates a file; with `size` alone, a sparse one of zeros."""
        path = self.files / name
        path.write_bytes(content)
        if size is not None:
            os.truncate(path, size)
        return path

    def stop(self):
        self.process.stop()


class PHPApp:
    def __init__(self, folder: Path):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = ChildProcess(["php", "-S", f"127.0.0.1:{self.port}", PHP_APP], folder / "php.log")
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def stop(self):
        self.process.kill()  # PHP's server handles SIGINT only, and has no requests to finish


class WSGIApp:
    def __init__(self, folder: Path):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = ChildProcess([sys.executable, WSGI_APP, self.port], folder / "wsgi.log")
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def stop(self):
        self.process.kill()
