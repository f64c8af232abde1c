# SPDX-License-Identifier: Apache-2.0
"""Creates an account when Sidegate announces a new user, as long as there are seats.

    SECRET=… SEATS=10 python3 receiver.py 3001 accounts.sqlite

Sidegate's provisioning.url points here, and provisioning.secretFile holds the same secret. It may call more than once
for a user (after a restart, after a lost response, for every login with eachLogin): each call stores the fields in its
body, and each user occupies one seat.
"""

import hmac
import json
import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = os.environ["SECRET"].encode()
SEATS = int(os.environ.get("SEATS", "10"))
LIMIT = 64 * 1024

database = sqlite3.connect(sys.argv[2], isolation_level=None)
database.execute("CREATE TABLE IF NOT EXISTS accounts (user TEXT PRIMARY KEY, email TEXT, fields TEXT)")


class Receiver(BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LIMIT:
            return self.answer(413)
        body = self.rfile.read(int(length))
        # Over the received bytes, before they are parsed, and in constant time.
        expected = "sha256=" + hmac.digest(SECRET, body, "sha256").hex()
        if not hmac.compare_digest(self.headers.get("X-Sidegate-Signature", "").encode(), expected.encode()):
            return self.answer(401)
        try:
            fields = json.loads(body)
            user, email = str(fields["user"]), str(fields.get("email", ""))
        except (ValueError, KeyError, TypeError):
            return self.answer(400)
        self.answer(self.keep(user, email, body.decode()))

    def keep(self, user: str, email: str, fields: str) -> int:
        database.execute("BEGIN IMMEDIATE")  # so that two requests cannot take the same last seat
        try:
            is_known = database.execute("SELECT 1 FROM accounts WHERE user = ?", (user,)).fetchone()
            (taken,) = database.execute("SELECT count(*) FROM accounts").fetchone()
            if not is_known and taken >= SEATS:
                return 402  # Sidegate shows its page "no seat left"
            database.execute("INSERT INTO accounts VALUES (?, ?, ?) "
                             "ON CONFLICT (user) DO UPDATE SET email = excluded.email, fields = excluded.fields",
                             (user, email, fields))
            return 200 if is_known else 201
        finally:
            database.execute("COMMIT")

    def answer(self, status: int):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
