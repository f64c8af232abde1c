# SPDX-License-Identifier: Apache-2.0

# MoinMoin 2 behind Sidegate: append this to wikiconfig.py. The web server passes the header X-Forwarded-User as a WSGI
# variable; an account is made at the first visit.
from moin.auth import GivenAuth  # noqa: E402

Config.auth = [GivenAuth(env_var="HTTP_X_FORWARDED_USER", autocreate=True)]  # noqa: F821
