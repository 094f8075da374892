# SPDX-License-Identifier: Apache-2.0
"""Apps, their installations and tokens: the one place that decides who may do what.

Knows no HTTP; a refusal is raised as Refused with the status and the words GitHub uses.
"""

import json
import secrets
import string
import time
import zlib
from dataclasses import dataclass, field

import jwt

CLOCK_SLACK = 5
LONGEST_JWT = 600
ALPHABET = string.ascii_letters + string.digits
LEVELS = {"none": 0, "read": 1, "write": 2}
UNDECODABLE = "A JSON web token could not be decoded"
BAD_IAT = (
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was "
    "issued"
)
BAD_EXP = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
    "the assertion expires"
)
FAR_EXP = "'Expiration time' claim ('exp') is too far in the future"


class Refused(Exception):
    """The caller may not; status and message are GitHub's."""

    def __init__(self, status, message, headers=None):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


def stable_id(text):
    """A number that is the same in every run for the same name."""
    return zlib.crc32(text.lower().encode()) + 1000


@dataclass
class App:
    id: int
    slug: str
    owner: str
    public_key: object
    private_key_file: str


@dataclass
class Installation:
    """repositories is None for all of the account, else a set of lower-case owner/name."""

    id: int
    app: App
    account: str
    permissions: dict
    repositories: set | None = None
    suspended: bool = False

    def covers(self, full_name):
        name = full_name.lower()
        if self.repositories is not None:
            return name in self.repositories
        return name.partition("/")[0] == self.account.lower()


@dataclass
class Token:
    value: str
    installation: Installation
    permissions: dict
    repositories: set | None
    expires_at: float
    rate_reset: float = field(default_factory=lambda: time.time() + 3600)
    rate_used: int = 0

    def covers(self, full_name):
        chosen = self.repositories is None or full_name.lower() in self.repositories
        return chosen and self.installation.covers(full_name)

    def level(self, permission):
        """The lesser of what was granted to the token and what the installation has now."""
        granted = (self.permissions, self.installation.permissions)
        return min(LEVELS[p.get(permission, "none")] for p in granted)

    def may(self, permission, level):
        return self.level(permission) >= LEVELS[level]


class Accounts:
    def __init__(self):
        self.apps = {}
        self.installations = {}
        self.tokens = {}
        self.token_ttl = 3600.0
        self.token_length = 36
        self.rate_limit = 15_000

    def mint_token(self, installation, permissions=None, repositories=None):
        if installation.suspended:
            raise Refused(403, "This installation has been suspended")
        wanted = permissions if permissions is not None else dict(installation.permissions)
        for name, level in wanted.items():
            have = installation.permissions.get(name, "none")
            if LEVELS.get(level, 99) > LEVELS[have]:
                raise Refused(
                    422, "The permissions requested are not granted to this installation."
                )
        token = Token(
            "ghs_" + "".join(secrets.choice(ALPHABET) for _ in range(self.token_length)),
            installation,
            wanted,
            repositories,
            time.time() + self.token_ttl,
        )
        self.tokens[token.value] = token
        return token

    def expire_tokens(self):
        for token in self.tokens.values():
            token.expires_at = 0
        return len(self.tokens)

    def token(self, value):
        """The live token of that value; 401 when it is unknown, expired or without installation."""
        token = self.tokens.get(value)
        if token is None or token.expires_at <= time.time():
            raise Refused(401, "Bad credentials")
        if self.installations.get(token.installation.id) is not token.installation:
            raise Refused(401, "Bad credentials")
        if token.installation.suspended:
            raise Refused(403, "This installation has been suspended")
        return token

    def app_of_jwt(self, value):
        """The App that signed this JWT, by GitHub's rules; raises Refused with GitHub's words."""
        claims = self._unverified_claims(value)
        app = self.apps.get(str(claims["iss"]))
        if app is None:
            raise Refused(404, "Integration not found")
        try:
            jwt.decode(value, app.public_key, ["RS256"], {"verify_exp": False, "verify_iat": False})
        except jwt.PyJWTError as cause:
            raise Refused(401, UNDECODABLE) from cause
        _check_times(claims)
        return app

    @staticmethod
    def _unverified_claims(value):
        try:
            if jwt.get_unverified_header(value).get("alg") != "RS256":
                raise Refused(401, UNDECODABLE)
            claims = jwt.decode(value, options={"verify_signature": False})
        except (jwt.PyJWTError, json.JSONDecodeError) as cause:
            raise Refused(401, UNDECODABLE) from cause
        for name, title in (("iss", "issuer"), ("iat", "issued at"), ("exp", "expiration time")):
            if name not in claims:
                raise Refused(401, f"Missing '{title}' claim ('{name}') in assertion")
        return claims


def _check_times(claims):
    now = time.time()
    if not isinstance(claims["iat"], int) or claims["iat"] > now + CLOCK_SLACK:
        raise Refused(401, BAD_IAT)
    if not isinstance(claims["exp"], (int, float)) or claims["exp"] <= now:
        raise Refused(401, BAD_EXP)
    if claims["exp"] > now + LONGEST_JWT + CLOCK_SLACK:
        raise Refused(401, FAR_EXP)
