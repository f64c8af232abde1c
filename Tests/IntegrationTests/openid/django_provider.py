# SPDX-License-Identifier: Apache-2.0
"""An OpenID provider as Django OAuth Toolkit's documentation describes it: a site of one file, with a login page.

Usage: django_provider.py FOLDER PORT CLIENTS, where CLIENTS is a JSON object {client ID: fields of its application}.
"""

import json
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command, execute_from_command_line
from django.urls import include, path

FOLDER, PORT, CLIENTS = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
LOGIN_PAGE = """<!doctype html><title>Log in</title><h1>Accounts of the school</h1>
<form method="post">{% csrf_token %}{{ form.non_field_errors }}
<input name="username" autocomplete="username"> <input name="password" type="password"> <button>Log in</button>
<input type="hidden" name="next" value="{{ next }}"></form>"""

settings.configure(
    DEBUG=False, ALLOWED_HOSTS=["localhost"], SECRET_KEY="a-secret-key-for-tests-0001", ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "provider.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
                    "oauth2_provider"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {
        "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                               "django.contrib.messages.context_processors.messages"],
        "loaders": [("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN_PAGE}),
                    "django.template.loaders.app_directories.Loader"]}}],
    LOGIN_URL="/accounts/login/", SESSION_COOKIE_NAME="school_session", CSRF_COOKIE_NAME="school_csrf",
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True, "OIDC_RSA_PRIVATE_KEY": (FOLDER / "key.pem").read_text(), "PKCE_REQUIRED": True,
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True, "OAUTH2_VALIDATOR_CLASS": f"{__name__}.Validator",
        "SCOPES": {"openid": "OpenID Connect", "email": "Your address", "profile": "Your name"}})
sys.modules.setdefault("django_provider", sys.modules[__name__])
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402


class Validator(OAuth2Validator):
    oidc_claim_scope = {**OAuth2Validator.oidc_claim_scope, "groups": "profile"}

    def get_additional_claims(self):
        return {
            "email": lambda request: request.user.email, "email_verified": lambda request: True,
            "preferred_username": lambda request: request.user.username, "given_name": lambda request: request.user.first_name,
            "family_name": lambda request: request.user.last_name,
            "groups": lambda request: [group.name for group in request.user.groups.all()]}


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("accounts/", include("django.contrib.auth.urls")),
]


def set_up():
    call_command("migrate", verbosity=0)
    teachers, _ = Group.objects.get_or_create(name="teachers")
    for name, first, last in (("ada", "Ada", "Lovelace"), ("grace", "Grace", "Hopper")):
        user = User.objects.create_user(name, f"{name}@example.com", "a-password-for-tests-0001", first_name=first, last_name=last)
        user.groups.add(teachers)
    model = get_application_model()
    for client_id, fields in CLIENTS.items():
        model.objects.create(**{
            "client_id": client_id, "name": f"The app {client_id}", "client_type": model.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": model.GRANT_AUTHORIZATION_CODE, "algorithm": model.RS256_ALGORITHM, **fields})


if __name__ == "__main__":
    set_up()
    execute_from_command_line(["manage.py", "runserver", "--noreload", f"127.0.0.1:{PORT}"])
