# SPDX-License-Identifier: Apache-2.0
"""An identity provider that behaves as LoginRadius does, in Flask: a login page, a list of return URLs, tokens, logout.

    SECRET=… RETURN_URLS=https://app.example.com/.sidegate/callback flask --app idp run

Sidegate asks for a token at /sso/jwt/redirect/token?apikey=…&jwtapp=…&return_url=… (preset loginradius).
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
import urllib.parse
import urllib.request

from flask import Flask, abort, redirect, render_template_string, request, session
from werkzeug.security import check_password_hash, generate_password_hash

SECRET = os.environ["SECRET"].encode()  # shared with Sidegate: token.keys
API_KEY = os.environ.get("API_KEY", "api-key")
JWT_APP = os.environ.get("JWT_APP", "wiki")
ISSUER = f"https://{os.environ.get('APP_NAME', 'example')}.hub.loginradius.com/"
PARAMETER = os.environ.get("QUERY_STRING_PARAMETER", "jwt")
# The allowed return URLs. A login page without such a list sends users' tokens to any address in a link.
RETURN_URLS = os.environ.get("RETURN_URLS", "https://app.example.com/.sidegate/callback").split()
# The apps to notify when a user logs out here: their /.sidegate/backchannel-logout.
BACKCHANNEL_URLS = os.environ.get("BACKCHANNEL_URLS", "").split()

PEOPLE = {  # yours are in a database
    "ada@example.com": {"uid": "0a1b2c", "password": generate_password_hash("engine"),
                        "FirstName": "Ada", "LastName": "Lovelace", "Roles": ["staff", "admins"]},
    "grace@example.com": {"uid": "3d4e5f", "password": generate_password_hash("compiler"),
                          "FirstName": "Grace", "LastName": "Hopper", "Roles": ["staff"]},
}
NOBODY = generate_password_hash(secrets.token_hex())

app = Flask(__name__)
app.secret_key = os.environ.get("SESSION_SECRET") or secrets.token_bytes(32)
app.config.update(SESSION_COOKIE_NAME="idp_session", SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")


@app.after_request
def keep_out_of_caches(response):
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@app.route("/sso/jwt/redirect/token", methods=["GET", "POST"])
def login():
    if (request.args.get("apikey"), request.args.get("jwtapp")) != (API_KEY, JWT_APP):
        abort(400, "no such app")
    return_url = allowed(request.args.get("return_url", ""), RETURN_URLS)
    if request.method == "POST" and is_our_form():
        person = PEOPLE.get(request.form.get("email", ""))
        # An unknown user takes as much time as a known one.
        if check_password_hash(person["password"] if person else NOBODY, request.form.get("password", "")) and person:
            session.clear()
            session["email"] = request.form["email"]
        else:
            return page(LOGIN, failed=True), 401
    if "email" not in session:
        return page(LOGIN)
    separator = "&" if "?" in return_url else "?"
    return redirect(f"{return_url}{separator}{urllib.parse.urlencode({PARAMETER: user_token(session['email'])})}", 303)


@app.route("/logout", methods=["GET", "POST"])
def logout():
    """By the link to which Sidegate redirects the browser, with its signed token; otherwise after a confirmation."""
    email = session.get("email")
    claims = check_token(request.args.get("logout_token", ""))
    if claims and claims.get("email") == email or request.method == "POST" and is_our_form():
        session.clear()
        if email:
            tell_the_apps(email)
    elif email and not claims:
        return page(LOGOUT)
    return_to = request.args.get("return_to")
    return redirect(allowed(return_to, RETURN_URLS, whole=False), 303) if return_to else page(LOGGED_OUT)


def allowed(url: str, listed: list, whole: bool = True) -> str:
    """The URL, if it is on the list: the same scheme, host and port, and with `whole` the same path; any query."""
    if not url.isascii() or not url.isprintable() or "\\" in url:  # browsers and urlsplit differ over these
        abort(400, "that return URL is not on the list")
    parts = urllib.parse.urlsplit(url)
    for entry in map(urllib.parse.urlsplit, listed):
        if (parts.scheme, parts.netloc) == (entry.scheme, entry.netloc) and (not whole or parts.path == entry.path):
            return parts._replace(fragment="").geturl()
    abort(400, "that return URL is not on the list")


def is_our_form() -> bool:
    return hmac.compare_digest(request.form.get("form", "").encode(), session.get("form", secrets.token_hex()).encode())


def page(template: str, **values):
    session.setdefault("form", secrets.token_hex(16))  # proves that a form came from this site
    return render_template_string(HEAD + template, form=session["form"], **values)  # escapes its values


def user_token(email: str) -> str:
    person, now = PEOPLE[email], int(time.time())
    return sign({
        "iss": ISSUER, "sub": person["uid"], "jti": secrets.token_hex(16), "iat": now, "nbf": now, "exp": now + 600,
        "email": email, "given_name": person["FirstName"], "family_name": person["LastName"], "groups": person["Roles"]})


def tell_the_apps(email: str):
    """Ends the user's sessions in every app and every browser."""
    for url in BACKCHANNEL_URLS:
        now = int(time.time())
        token = sign({"iss": ISSUER, "sub": PEOPLE[email]["uid"], "email": email, "jti": secrets.token_hex(16),
                      "iat": now, "exp": now + 60})
        body = urllib.parse.urlencode({"logout_token": token}).encode()
        try:
            urllib.request.urlopen(url, body, timeout=5).close()
        except OSError as error:
            app.logger.error("%s was not told of a logout: %s", url, error)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims: dict) -> str:
    signing_input = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signing_input}.{signature(signing_input)}"


def signature(signing_input: str) -> str:
    return base64url(hmac.digest(SECRET, signing_input.encode(), hashlib.sha256))


def check_token(token: str):
    """The claims of a token that was signed with our secret and has not expired; else None."""
    signing_input, _, claimed = token.rpartition(".")
    if not hmac.compare_digest(signature(signing_input).encode(), claimed.encode()):
        return None  # one key, one algorithm: the header is ignored
    payload = signing_input.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims if claims.get("exp", 0) > time.time() - 10 else None


HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Example ID</title>
<style>
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 20rem; margin: 15vh auto; padding: 0 1rem }
    input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; margin: .25rem 0 1rem; padding: .5rem }
    [role=alert] { color: #b00 }
</style>
<h1>Example ID</h1>
"""
LOGIN = """{% if failed %}<p role="alert">That address and password do not match.</p>{% endif %}
<form method="post">
    <input type="hidden" name="form" value="{{ form }}">
    <label>E-mail <input type="email" name="email" required autofocus></label>
    <label>Password <input type="password" name="password" required></label>
    <button>Log in</button>
</form>"""
LOGOUT = """<form method="post"><input type="hidden" name="form" value="{{ form }}"><button>Log out</button></form>"""
LOGGED_OUT = """<p>You are logged out.</p>"""
