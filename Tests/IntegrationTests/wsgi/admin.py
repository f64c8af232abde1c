# SPDX-License-Identifier: Apache-2.0
"""Django's admin site with RemoteUserMiddleware and the settings of docs/apps.md: admin.py PORT FOLDER [forwarded-host]."""

import sys
from pathlib import Path

import django
from django.conf import settings

PORT, FOLDER, OPTIONS = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
settings.configure(
    DEBUG=False, SECRET_KEY="a secret of the app", ROOT_URLCONF="__main__", ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "db.sqlite3"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", USE_TZ=True,
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                    "django.contrib.messages"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "__main__.HeaderUser",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}],
    AUTHENTICATION_BACKENDS=["__main__.Staff"],
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"), USE_X_FORWARDED_HOST="forwarded-host" in OPTIONS,
)

django.setup()
from django.contrib.auth.backends import RemoteUserBackend  # noqa: E402
from django.contrib.auth.middleware import RemoteUserMiddleware  # noqa: E402


class HeaderUser(RemoteUserMiddleware):
    header = "HTTP_X_FORWARDED_USER"


class Staff(RemoteUserBackend):
    """Users are created at their first visit; Ada may use the admin site."""

    def configure_user(self, request, user, created=True):
        user.is_staff = user.is_superuser = user.username.startswith("ada@")
        user.save()
        return user


from django.contrib import admin  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.servers.basehttp import run  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns = [path("admin/", admin.site.urls)]
if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    run("127.0.0.1", int(PORT), get_wsgi_application(), threading=True)
