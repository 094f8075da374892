# SPDX-License-Identifier: Apache-2.0
"""Decides for nginx whether a git request may pass; asked anew for every single request.

nginx's auth_request knows yes and no only, so about a refused request it asks a second time, for
the words.
"""

import base64
import binascii
import re

from .accounts import Refused
from .faults import service_of
from .httpd import Response

PATH = re.compile(r"/([^/]+)/([^/]+?)(?:\.git)?/(?:info/refs|git-upload-pack|git-receive-pack)")
CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitHub"'}


class GitGate:
    def __init__(self, accounts, repositories):
        self.accounts = accounts
        self.repositories = repositories

    def check(self, request):
        """The auth_request answer: 200 with the repository's true name, or 403."""
        try:
            full_name = self._decide(request)
        except Refused:
            return Response(403)
        return Response(200, headers={"X-Githost-Repository": full_name})

    def refusal(self, request):
        """The answer the client sees after a no."""
        try:
            self._decide(request)
        except Refused as refusal:
            kind = {"Content-Type": "text/plain; charset=utf-8"}
            return Response(refusal.status, refusal.message.encode(), kind | refusal.headers)
        return Response(503, b"The decision changed meanwhile")

    def _decide(self, request):
        target = request.headers.get("x-githost-target", "")
        match = PATH.fullmatch(target.partition("?")[0])
        if not match:
            raise Refused(404, "Not Found")
        service = service_of(target)
        if service is None:
            raise Refused(403, "Please upgrade your git client.")
        token = self._token(request)
        full_name = self.repositories.find(*match.groups())
        if full_name is None or not token.covers(full_name):
            raise Refused(404, "Repository not found.")
        if not token.may("contents", "read"):
            raise Refused(403, f"Read access to {full_name} not granted.")
        if service == "git-receive-pack" and not token.may("contents", "write"):
            raise Refused(403, "Write access to repository not granted.")
        return full_name

    def _token(self, request):
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise Refused(401, "Repository not found.", CHALLENGE)
        try:
            user, _, password = base64.b64decode(credential, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as cause:
            raise Refused(401, "Repository not found.", CHALLENGE) from cause
        try:
            token = self.accounts.token(password)
        except Refused as refusal:
            raise _with_challenge(refusal) from refusal
        if user != "x-access-token":
            raise Refused(401, "Invalid username or token.", CHALLENGE)
        return token


def _with_challenge(refusal):
    if refusal.status != 401:
        return refusal
    text = "Invalid username or token. Password authentication is not supported for Git operations."
    return Refused(401, text, CHALLENGE)
