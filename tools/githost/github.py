# SPDX-License-Identifier: Apache-2.0
"""The GitHub REST endpoints an App needs, below /api/v3, in GitHub's shapes and with its refusals.

Who may do what is decided in accounts.py; git access is decided in gitgate.py.
"""

import asyncio
import re
import time
import urllib.parse

from . import shapes
from .accounts import Refused, stable_id
from .httpd import BadRequest, Response

DOCS = "https://docs.github.com/rest"


class GitHubApi:
    """Answers one request; hosts is the folder of repositories, accounts decides."""

    def __init__(self, accounts, repositories):
        self.accounts = accounts
        self.repositories = repositories
        one = r"([^/]+)"
        repo = rf"/repos/{one}/{one}"
        self._routes = [
            ("POST", rf"/app/installations/{one}/access_tokens", self._make_token),
            ("GET", r"/app", self._app),
            ("GET", r"/app/installations", self._installations),
            ("GET", rf"/app/installations/{one}", self._installation),
            ("GET", rf"/users/{one}", self._user),
            ("GET", r"/installation/repositories", self._installation_repositories),
            ("GET", r"/rate_limit", self._rate_limit),
            ("GET", repo, self._repository),
            ("GET", rf"{repo}/installation", self._repository_installation),
            ("GET", rf"{repo}/branches", self._branches),
            ("GET", rf"{repo}/branches/(.+)", self._branch),
        ]

    async def answer(self, request):
        headers = {"X-GitHub-Request-Id": request.headers.get("x-githost-request", "")}
        try:
            response = await self._dispatch(request, headers)
        except Refused as refusal:
            response = _error(refusal.status, refusal.message, refusal.headers)
        except BadRequest as cause:
            response = _error(400, str(cause))
        response.headers = headers | response.headers
        return response

    async def _dispatch(self, request, headers):
        if not request.headers.get("user-agent"):
            raise Refused(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a "
                "User-Agent header (https://docs.github.com/rest/overview/"
                "resources-in-the-rest-api#user-agent-required).",
            )
        call = Call(request, self.accounts)
        path = request.path.removeprefix("/api/v3")
        for method, pattern, handler in self._routes:
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                token = call.token_if_any()
                if token:
                    headers.update(self._count(token))
                return await handler(call, *map(urllib.parse.unquote, match.groups()))
        raise Refused(404, "Not Found")

    def _count(self, token):
        """Counts a call against the token's hourly limit; gives GitHub's headers for it."""
        if time.time() >= token.rate_reset:
            token.rate_used, token.rate_reset = 0, time.time() + 3600
        limit = self.accounts.rate_limit
        exceeded = token.rate_used >= limit
        token.rate_used += not exceeded
        headers = {
            "X-RateLimit-Limit": limit,
            "X-RateLimit-Remaining": limit - token.rate_used,
            "X-RateLimit-Used": token.rate_used,
            "X-RateLimit-Reset": int(token.rate_reset),
            "X-RateLimit-Resource": "core",
        }
        if exceeded:
            number = token.installation.id
            raise Refused(403, f"API rate limit exceeded for installation ID {number}.", headers)
        return headers

    # The App and its installations: these want a JWT

    async def _app(self, call):
        app = call.app()
        return Response.of_json(
            {
                "id": app.id,
                "slug": app.slug,
                "node_id": f"A_{app.id}",
                "owner": shapes.account(app.owner, call.base),
                "name": app.slug,
                "description": "",
                "external_url": call.base,
                "html_url": f"{call.base}/github-apps/{app.slug}",
                "permissions": {"contents": "write", "metadata": "read"},
                "events": [],
                "installations_count": len(self._installations_of(app)),
            }
        )

    def _installations_of(self, app):
        return [i for i in self.accounts.installations.values() if i.app is app]

    async def _installations(self, call):
        found = self._installations_of(call.app())
        return call.page([shapes.installation(i, call.base) for i in found])

    async def _installation(self, call, number):
        return Response.of_json(
            shapes.installation(self._own_installation(call, number), call.base)
        )

    def _own_installation(self, call, number):
        app = call.app()
        found = self.accounts.installations.get(int(number) if number.isdigit() else None)
        if found is None or found.app is not app:
            raise Refused(404, "Not Found")
        return found

    async def _repository_installation(self, call, owner, name):
        app = call.app()
        full_name = self.repositories.find(owner, name)
        for found in self._installations_of(app):
            if full_name and found.covers(full_name):
                return Response.of_json(shapes.installation(found, call.base))
        raise Refused(404, "Not Found")

    async def _make_token(self, call, number):
        installation = self._own_installation(call, number)
        wanted = call.request.json()
        repositories = self._wanted_repositories(installation, wanted)
        token = self.accounts.mint_token(installation, wanted.get("permissions"), repositories)
        narrowed = repositories is not None or installation.repositories is not None
        answer = {
            "token": token.value,
            "expires_at": shapes.iso(token.expires_at),
            "permissions": token.permissions,
            "repository_selection": "selected" if narrowed else "all",
        }
        if repositories is not None:
            answer["repositories"] = [self._describe(n, token, call) for n in sorted(repositories)]
        return Response.of_json(answer, 201)

    def _wanted_repositories(self, installation, wanted):
        """The lower-case names a token is narrowed to, or None for all the installation has."""
        if "repositories" not in wanted and "repository_ids" not in wanted:
            return None
        visible = {n for n in self.repositories.names() if installation.covers(n)}
        names = {f"{installation.account}/{n}".lower() for n in wanted.get("repositories", ())}
        chosen = {n for n in visible if n.lower() in names}
        ids = set(wanted.get("repository_ids", ()))
        by_id = {n for n in visible if stable_id(n) in ids}
        if len(chosen) != len(names) or len(by_id) != len(ids):
            raise Refused(
                422,
                "There is at least one repository that does not exist or is not accessible to the "
                "parent installation.",
            )
        return {n.lower() for n in chosen | by_id}

    # What an installation token sees

    async def _user(self, call, login):
        slug = login.removesuffix("[bot]")
        known = {app.slug for app in self.accounts.apps.values()}
        if login.endswith("[bot]") and slug in known:
            return Response.of_json(shapes.account(login, call.base, "Bot"))
        owners = {name.partition("/")[0] for name in self.repositories.names()}
        owners |= {i.account for i in self.accounts.installations.values()}
        if login not in owners:
            raise Refused(404, "Not Found")
        return Response.of_json(shapes.account(login, call.base))

    async def _rate_limit(self, call):
        token = call.token()
        limit = self.accounts.rate_limit
        core = {
            "limit": limit,
            "used": token.rate_used,
            "remaining": limit - token.rate_used,
            "reset": int(token.rate_reset),
        }
        return Response.of_json({"resources": {"core": core}, "rate": core})

    async def _installation_repositories(self, call):
        token = call.token()
        seen = [n for n in self.repositories.names() if token.covers(n)]
        shown = [self._describe(name, token, call) for name in seen]
        narrowed = token.repositories is not None or token.installation.repositories is not None
        selection = "selected" if narrowed else "all"
        return call.page(
            shown,
            lambda page: {
                "total_count": len(shown),
                "repository_selection": selection,
                "repositories": page,
            },
        )

    def _visible(self, call, owner, name):
        """The full name of a repository the token sees, and the token; else 404 as on GitHub."""
        token = call.token_if_any()
        full_name = self.repositories.find(owner, name)
        if token is None or full_name is None or not token.covers(full_name):
            raise Refused(404, "Not Found")
        return full_name, token

    async def _repository(self, call, owner, name):
        full_name, token = self._visible(call, owner, name)
        return Response.of_json(self._describe(full_name, token, call))

    def _describe(self, full_name, token, call):
        full_name = self.repositories.find(*full_name.split("/"))
        branch = self.repositories.open(full_name).default_branch()
        return shapes.repository(full_name, branch, token, call.base)

    async def _branches(self, call, owner, name):
        full_name = self._readable(call, owner, name)
        heads = await asyncio.to_thread(self.repositories.open(full_name).branches)
        return call.page([shapes.branch(full_name, b, sha, call.base) for b, sha in heads.items()])

    async def _branch(self, call, owner, name, branch):
        full_name = self._readable(call, owner, name)
        heads = await asyncio.to_thread(self.repositories.open(full_name).branches)
        if branch not in heads:
            raise Refused(404, "Branch not found")
        return Response.of_json(shapes.branch(full_name, branch, heads[branch], call.base))

    def _readable(self, call, owner, name):
        full_name, token = self._visible(call, owner, name)
        if not token.may("contents", "read"):
            raise Refused(403, "Resource not accessible by integration")
        return full_name


class Call:
    """One request with what its Authorization header stands for."""

    def __init__(self, request, accounts):
        self.request = request
        self.accounts = accounts
        self.base = request.headers.get("x-githost-base", "")
        scheme, _, self.credential = request.headers.get("authorization", "").partition(" ")
        self.scheme = scheme.lower()

    @property
    def is_jwt(self):
        return self.credential.count(".") == 2

    def app(self):
        if self.scheme != "bearer" or not self.is_jwt:
            raise Refused(401, "A JSON web token could not be decoded")
        return self.accounts.app_of_jwt(self.credential)

    def token_if_any(self):
        """The installation token, None for a JWT or for no credentials; 401 for anything else."""
        if not self.scheme or self.is_jwt:
            return None
        if self.scheme not in ("bearer", "token"):
            raise Refused(401, "Bad credentials")
        return self.accounts.token(self.credential)

    def token(self):
        token = self.token_if_any()
        if token is None:
            raise Refused(401, "Bad credentials" if self.is_jwt else "Requires authentication")
        return token

    def page(self, items, wrap=lambda page: page):
        """One page of a listing, with GitHub's Link header when there are more."""
        query = self.request.query
        size = min(max(_number(query.get("per_page"), 30), 1), 100)
        page = max(_number(query.get("page"), 1), 1)
        last = max((len(items) + size - 1) // size, 1)
        address = f"{self.base}{self.request.path}?per_page={size}&page="
        targets = [("next", page + 1), ("last", last)] if page < last else []
        if page > 1:
            targets += [("prev", page - 1), ("first", 1)]
        link = ", ".join(f'<{address}{number}>; rel="{name}"' for name, number in targets)
        shown = wrap(items[(page - 1) * size : page * size])
        return Response.of_json(shown, headers={"Link": link} if link else None)


def token_kind(request):
    """What a request carries, for the log: jwt, installation, basic, other or none."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return "none"
    if scheme.lower() == "basic":
        return "basic"
    if credential.startswith("ghs_"):
        return "installation"
    return "jwt" if credential.count(".") == 2 else "other"


def _error(status, message, headers=None):
    body = {"message": message, "documentation_url": DOCS, "status": str(status)}
    return Response.of_json(body, status, headers)


def _number(text, default):
    return int(text) if text and text.isdigit() else default
