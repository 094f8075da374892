# SPDX-License-Identifier: Apache-2.0
"""Fault rules: which request misbehaves, how often and in which way.

A rule is pure data; the API stand-in and the fault proxy ask the table and act. Neither HTTP nor
git is known here.
"""

import asyncio
from dataclasses import asdict, dataclass, field, fields

POLL_SECONDS = 0.005
CANNED_ACTIONS = ("respond", "html", "redirect")
ANYWHERE = ("pass", "drop", *CANNED_ACTIONS)
ONLY_PROXY = ("silent", "drip", "reset", "cut", "truncate", "garbage", "endless")


class BadRule(ValueError):
    """A rule that names an unknown member or action."""


@dataclass
class Rule:
    """One fault. match is part of path and query; skip lets the first hits pass unharmed; with
    hold a request waits until the rule is removed.
    """

    action: str = "respond"
    at: str = "proxy"
    match: str = ""
    method: str | None = None
    service: str | None = None
    skip: int = 0
    times: int | None = None
    delay_ms: int = 0
    hold: bool = False
    race_commit: dict | None = None
    expire_tokens: bool = False
    status: int | None = None
    headers: dict = field(default_factory=dict)
    body: object = None
    location: str | None = None
    bytes: int | None = None
    bytes_per_second: int = 1
    after_request_bytes: int | None = None
    after_response_bytes: int | None = None
    on_wire: bool = False
    id: int = 0
    hits: int = 0

    @classmethod
    def from_json(cls, value):
        known = {f.name for f in fields(cls)} - {"id", "hits"}
        unknown = set(value) - known
        if unknown:
            raise BadRule(f"a fault has no member {sorted(unknown)[0]!r}")
        rule = cls(**value)
        allowed = {"api": ANYWHERE, "proxy": ANYWHERE + ONLY_PROXY}.get(rule.at)
        if allowed is None:
            raise BadRule("'at' is either 'api' or 'proxy'")
        if rule.action not in allowed:
            raise BadRule(f"no action {rule.action!r} at {rule.at!r}; known: {', '.join(allowed)}")
        if rule.action == "redirect" and not rule.location:
            raise BadRule("a redirect needs a location")
        if rule.at == "api" and (rule.race_commit or rule.expire_tokens):
            raise BadRule("race_commit and expire_tokens work at 'proxy' only")
        return rule

    def fits(self, method, target):
        if self.method and self.method != method:
            return False
        if self.service and self.service != service_of(target):
            return False
        return self.match in target


def service_of(target):
    """The git service a request is for, by its path or its query, else None."""
    for name in ("git-upload-pack", "git-receive-pack"):
        if target.endswith((f"/{name}", f"service={name}")):
            return name
    return None


class Faults:
    """The table of rules in the order they were made; the first that fits decides."""

    def __init__(self):
        self._rules = []
        self._last_id = 0

    def add(self, rule):
        self._last_id += 1
        rule.id = self._last_id
        self._rules.append(rule)
        return rule

    def clear(self):
        self._rules.clear()

    def remove(self, number):
        """False when there is no such rule."""
        kept = [rule for rule in self._rules if rule.id != number]
        found = len(kept) < len(self._rules)
        self._rules = kept
        return found

    async def pause(self, rule):
        """What comes before anything else: the rule's delay, and its end if it holds."""
        await asyncio.sleep(rule.delay_ms / 1000)
        while rule.hold and rule in self._rules:
            await asyncio.sleep(POLL_SECONDS)

    def listing(self):
        return [asdict(rule) for rule in self._rules]

    def take(self, at, method, target):
        """The rule that applies to this request, counted as used, or None."""
        for rule in self._rules:
            if rule.at != at or not rule.fits(method, target):
                continue
            rule.hits += 1
            if rule.hits <= rule.skip:
                return None
            if rule.times is None or rule.hits <= rule.skip + rule.times:
                return rule
        return None
