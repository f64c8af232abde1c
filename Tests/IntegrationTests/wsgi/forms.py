# SPDX-License-Identifier: Apache-2.0
"""A Flask app with Flask-WTF's CSRF tokens, uploads and downloads: forms.py PORT FOLDER [absolute] [old] [unaware] [to=URL].

absolute: redirects name the whole URL, as before Werkzeug 2.1. old: served by wsgiref, which speaks HTTP/1.0 and needs a
Content-Length. unaware: it does not know that it is behind a proxy. to: where a saved form leads."""

import hashlib
import sys
from pathlib import Path
from wsgiref.simple_server import make_server

from flask import Flask, abort, flash, get_flashed_messages, redirect, render_template_string, request, send_file, session, url_for
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.file import FileField
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms import StringField, SubmitField, TextAreaField
from wtforms.validators import DataRequired

PORT, FOLDER, OPTIONS = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
PAGE = """<!doctype html><title>Notes</title><p id="user">{{ user }}</p>
{% for message in messages %}<p class="flash">{{ message }}</p>{% endfor %}
<form method="post" action="{{ url_for('note') }}" enctype="multipart/form-data">
{{ form.hidden_tag() }}{{ form.title }}{{ form.text }}{{ form.file }}{{ form.save }}</form>
<ul>{% for name in names %}<li><a href="{{ url_for('download', name=name) }}">{{ name }}</a></li>{% endfor %}</ul>
<p id="secure">{{ request.is_secure }}</p><p id="url">{{ request.url }}</p><p id="client">{{ request.remote_addr }}</p>"""

app = Flask(__name__)
app.config.update(SECRET_KEY="the secret of the app's own session")
if "unaware" not in OPTIONS:
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_port=1, x_prefix=1)
CSRFProtect(app)


class NoteForm(FlaskForm):
    title = StringField(validators=[DataRequired()])
    text = TextAreaField()
    file = FileField()
    save = SubmitField()


def folder() -> Path:
    """The files of this user."""
    user = request.headers.get("X-Forwarded-User") or abort(403)
    path = FOLDER / hashlib.sha256(user.encode()).hexdigest()[:16]
    path.mkdir(exist_ok=True)
    return path


@app.get("/")
def index():
    own = folder()
    session["visits"] = session.get("visits", 0) + 1
    return render_template_string(PAGE, user=request.headers["X-Forwarded-User"], form=NoteForm(), messages=get_flashed_messages(),
                                  names=sorted(path.name for path in own.iterdir()))


@app.post("/note")
def note():
    form = NoteForm()
    if not form.validate_on_submit():
        abort(400, str(form.errors))
    (folder() / form.title.data).write_bytes(form.file.data.read() if form.file.data else form.text.data.encode())
    flash("saved " + form.title.data)
    if elsewhere := [option[3:] for option in OPTIONS if option.startswith("to=")]:
        return redirect(elsewhere[0])
    return redirect(url_for("index", _external="absolute" in OPTIONS))


@app.get("/files/<name>")
def download(name):
    path = folder() / name
    return send_file(path, conditional=True, as_attachment=True) if path.exists() else abort(404)


@app.put("/raw/<name>")
@app.extensions["csrf"].exempt
def raw(name):
    data = request.get_data()
    (folder() / name).write_bytes(data)
    return {"length": len(data), "digest": hashlib.sha256(data).hexdigest(), "framing": request.headers.get("Content-Length")}


@app.get("/logout")
def logout():
    session.clear()
    return redirect(url_for("index"))


if "old" in OPTIONS:
    make_server("127.0.0.1", PORT, app).serve_forever()
else:
    app.run("127.0.0.1", PORT, threaded=True)
