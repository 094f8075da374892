# SPDX-License-Identifier: Apache-2.0
"""The admin interface: JSON over HTTP on a loopback port of its own, for tests and demos only.

README.md lists the calls; client.py wraps them.
"""

import asyncio
import re
import secrets

from .accounts import App, Installation, Refused
from .faults import BadRule, Rule
from .gitrepo import GitError
from .httpd import BadRequest, Response
from .keys import ensure_app_key
from .repositories import BadName

WRITE = {"contents": "write", "metadata": "read"}
SETTINGS = {"tokenTtl": "token_ttl", "tokenLength": "token_length", "rateLimit": "rate_limit"}


class Admin:
    def __init__(self, folder, accounts, repositories, faults, journal):
        self.key_folder = folder / "keys"
        self.accounts = accounts
        self.repositories = repositories
        self.faults = faults
        self.journal = journal
        repo = r"/repos/([^/]+/[^/]+)"
        self._routes = [
            ("GET", r"/repos", self._list_repos),
            ("POST", r"/repos", self._create_repo),
            ("DELETE", repo, self._delete_repo),
            ("POST", r"/apps", self._create_app),
            ("POST", r"/installations", self._create_installation),
            ("PATCH", r"/installations/(\d+)", self._change_installation),
            ("DELETE", r"/installations/(\d+)", self._delete_installation),
            ("POST", r"/tokens", self._create_token),
            ("POST", r"/tokens/expire", self._expire_tokens),
            ("GET", r"/settings", self._show_settings),
            ("PATCH", r"/settings", self._change_settings),
            ("GET", r"/requests", self._list_requests),
            ("DELETE", r"/requests", self._reset_requests),
            ("GET", r"/faults", self._list_faults),
            ("POST", r"/faults", self._add_fault),
            ("DELETE", r"/faults", self._clear_faults),
            ("DELETE", r"/faults/(\d+)", self._remove_fault),
        ]

    async def answer(self, request):
        try:
            return await self._dispatch(request)
        except Refused as refusal:
            return Response.of_json({"message": refusal.message}, refusal.status)
        except (BadRequest, BadRule, BadName, GitError, KeyError, TypeError) as cause:
            return Response.of_json({"message": f"{type(cause).__name__}: {cause}"}, 400)

    async def _dispatch(self, request):
        for method, pattern, handler in self._routes:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                value = await handler(request.json(), *match.groups())
                return Response.of_json(value)
        raise Refused(404, f"there is no {request.method} {request.path}")

    async def _list_repos(self, _):
        return self.repositories.names()

    async def _create_repo(self, wanted):
        name, branch, seed = wanted["name"], wanted.get("branch", "main"), wanted.get("seed")
        repo = await asyncio.to_thread(self.repositories.create, name, branch, seed)
        return {"name": name, "folder": str(repo.folder)}

    async def _delete_repo(self, _, full_name):
        if full_name not in self.repositories.names():
            raise Refused(404, f"there is no repository {full_name}")
        await asyncio.to_thread(self.repositories.delete, full_name)
        return {"deleted": full_name}

    async def _create_app(self, wanted):
        return await asyncio.to_thread(
            self.make_app, wanted["appId"], wanted["slug"], wanted.get("owner", "acme")
        )

    def make_app(self, app_id, slug, owner):
        path, public_key = ensure_app_key(self.key_folder, app_id)
        self.accounts.apps[str(app_id)] = App(app_id, slug, owner, public_key, str(path))
        pkcs8 = path.with_suffix(".pkcs8.pem")
        return {"appId": app_id, "slug": slug, "privateKeyFile": str(path), "pkcs8File": str(pkcs8)}

    async def _create_installation(self, wanted):
        number = wanted.get("installationId") or self._free_number()
        app = self.accounts.apps[str(wanted["appId"])]
        made = Installation(
            number,
            app,
            wanted["account"],
            wanted.get("permissions", dict(WRITE)),
            _lower(wanted.get("repositories")),
        )
        self.accounts.installations[number] = made
        return _show(made)

    def _free_number(self):
        while (number := 10_000_000 + secrets.randbelow(10_000_000)) in self.accounts.installations:
            pass
        return number

    async def _change_installation(self, wanted, number):
        installation = self._installation(number)
        for name in set(wanted) & {"permissions", "suspended"}:
            setattr(installation, name, wanted[name])
        if "repositories" in wanted:
            installation.repositories = _lower(wanted["repositories"])
        return _show(installation)

    async def _delete_installation(self, _, number):
        self._installation(number)
        del self.accounts.installations[int(number)]
        return {"deleted": int(number)}

    def _installation(self, number):
        found = self.accounts.installations.get(int(number))
        if found is None:
            raise Refused(404, f"there is no installation {number}")
        return found

    async def _create_token(self, wanted):
        installation = self._installation(wanted["installationId"])
        token = self.accounts.mint_token(
            installation, wanted.get("permissions"), _lower(wanted.get("repositories"))
        )
        return {"token": token.value, "expiresAt": token.expires_at}

    async def _expire_tokens(self, _):
        return {"expired": self.accounts.expire_tokens()}

    async def _show_settings(self, _):
        return {name: getattr(self.accounts, field) for name, field in SETTINGS.items()}

    async def _change_settings(self, wanted):
        for name, value in wanted.items():
            setattr(self.accounts, SETTINGS[name], value)
        return await self._show_settings(wanted)

    async def _list_requests(self, _):
        return await self.journal.entries()

    async def _reset_requests(self, _):
        await self.journal.reset()
        return {}

    async def _list_faults(self, _):
        return self.faults.listing()

    async def _add_fault(self, wanted):
        return {"id": self.faults.add(Rule.from_json(wanted)).id}

    async def _clear_faults(self, _):
        self.faults.clear()
        return {}

    async def _remove_fault(self, _, number):
        if not self.faults.remove(int(number)):
            raise Refused(404, f"there is no fault {number}")
        return {"deleted": int(number)}


def _lower(names):
    return None if names is None else {name.lower() for name in names}


def _show(installation):
    names = installation.repositories
    return {
        "installationId": installation.id,
        "appId": installation.app.id,
        "account": installation.account,
        "permissions": installation.permissions,
        "repositories": None if names is None else sorted(names),
        "suspended": installation.suspended,
    }


def fill_defaults(admin, app_id, installation_id, owner, slug):
    """The App and installation every host starts with: all repositories of owner, with write."""
    app = admin.make_app(app_id, slug, owner)
    admin.accounts.installations[installation_id] = Installation(
        installation_id, admin.accounts.apps[str(app_id)], owner, dict(WRITE)
    )
    return app
