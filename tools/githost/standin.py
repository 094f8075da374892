# SPDX-License-Identifier: Apache-2.0
"""The process behind nginx: sends each request to the API, to the git gate or into a fault."""

from .github import GitHubApi, token_kind
from .gitgate import GitGate
from .httpd import Response

PAGE = "<!DOCTYPE html>\n<html><body><h1>Something else answers here</h1></body></html>\n"
HANG_UP = 444  # nginx's own number for closing a connection without an answer


class StandIn:
    def __init__(self, accounts, repositories, faults, journal):
        self.api = GitHubApi(accounts, repositories)
        self.gate = GitGate(accounts, repositories)
        self.faults = faults
        self.journal = journal

    async def answer(self, request):
        """The handler of the server that nginx talks to."""
        self.journal.begin(request.headers.get("x-githost-request"), token_kind(request))
        if request.path == "/git-check":
            return self.gate.check(request)
        if request.path == "/git-refusal":
            return self.gate.refusal(request)
        rule = self.faults.take("api", request.method, request.target)
        if rule is None:
            return await self.api.answer(request)
        await self.faults.pause(rule)
        if rule.action == "pass":
            return await self.api.answer(request)
        return canned(rule)


def canned(rule):
    """The response a rule of one of the actions respond, html, redirect or drop asks for."""
    if rule.action == "drop":
        return Response(HANG_UP)
    status, headers, body = rule.status, dict(rule.headers), rule.body
    if rule.action == "redirect":
        status, headers = status or 302, {"Location": rule.location} | headers
    elif rule.action == "html":
        status = status or 200
        headers = {"Content-Type": "text/html; charset=utf-8"} | headers
        body = body or PAGE
    if isinstance(body, (dict, list)):
        return Response.of_json(body, status or 200, headers)
    return Response(status or 500, (body or "").encode(), headers)
