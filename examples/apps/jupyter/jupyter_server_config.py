# SPDX-License-Identifier: Apache-2.0
#
# JupyterLab and Jupyter Server behind Sidegate: users are those of the header X-Forwarded-User. A Jupyter server runs
# everything with the rights of one account of its machine, so all its users must be allowed to do that.

from jupyter_server.auth import IdentityProvider, User


class HeaderIdentity(IdentityProvider):
    need_token = False

    def get_user(self, handler):
        name = handler.request.headers.get("X-Forwarded-User")
        return User(username=name, name=handler.request.headers.get("X-Forwarded-Preferred-Username", name)) if name else None


c = get_config()  # noqa: F821
c.ServerApp.identity_provider_class = HeaderIdentity
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_remote_access = True  # Host is the public name, not localhost
c.ServerApp.trust_xheaders = True  # X-Forwarded-Proto, for links and cookies
