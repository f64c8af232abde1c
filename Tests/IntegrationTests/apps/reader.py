# SPDX-License-Identifier: Apache-2.0
"""Apps that choose their page by the path, in ways common in Python: Flask, Django, Bottle, and http.server with urlsplit.
Arguments: kind, port, folder."""

import sys
import urllib.parse
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

kind, port, files = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def flask_app():
    import flask
    app = flask.Flask(__name__, static_folder=None)
    app.add_url_rule("/closed", view_func=lambda: "SECRET", endpoint="closed")
    app.add_url_rule("/closed/", view_func=lambda: "SECRET", endpoint="folder")
    app.add_url_rule("/closed/<path:rest>", view_func=lambda rest: "SECRET", endpoint="below")
    app.add_url_rule("/static/<path:name>", view_func=lambda name: flask.send_from_directory(files, name), endpoint="files")
    app.add_url_rule("/", view_func=lambda: "PUBLIC", endpoint="root")
    app.add_url_rule("/<path:rest>", view_func=lambda rest: flask.send_from_directory(files, rest), endpoint="rest")
    return app


def django_app():
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import re_path
    from django.views.static import serve
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="not a secret", DEBUG=False)
    django.setup()
    globals()["urlpatterns"] = [
        re_path(r"^closed(/.*)?$", lambda request, rest=None: HttpResponse("SECRET")),
        re_path(r"^(?P<path>.*)$", serve, {"document_root": files}),
    ]
    return get_wsgi_application()


def bottle_app():
    """Since 0.13 it decodes the path with errors="ignore"."""
    import bottle
    app = bottle.Bottle()
    app.route("/closed", callback=lambda: "SECRET")
    app.route("/closed/<rest:re:.*>", callback=lambda rest: "SECRET")
    app.route("/<rest:re:.*>", callback=lambda rest: bottle.static_file(rest, root=files))
    return app


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def urlsplit_app(environment, start_response):
    """By the reference as it was received, like apps that are given the whole target."""
    target = environment["RAW_TARGET"]
    texts = []
    for text in (target, urllib.parse.unquote(target), urllib.parse.unquote_plus(target)):
        try:
            texts.append(urllib.parse.urlsplit(text).path)
            texts.append(urllib.parse.urlparse(text).path)  # without the last segment's parameters
        except ValueError:
            pass
    texts += [urllib.parse.unquote(text) for text in texts]
    closed = any(text == "/closed" or text.startswith("/closed/") for text in texts)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"SECRET" if closed else b"PUBLIC"]


class Raw(Quiet):
    def get_environ(self):
        return {**super().get_environ(), "RAW_TARGET": self.requestline.split(" ")[1]}


if kind == "files":
    import functools
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Files(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass
    ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Files, directory=files)).serve_forever()
app = {"flask": flask_app, "django": django_app, "bottle": bottle_app, "urlsplit": lambda: urlsplit_app}[kind]()
make_server("127.0.0.1", port, app, handler_class=Raw if kind == "urlsplit" else Quiet).serve_forever()
