# SPDX-License-Identifier: Apache-2.0
"""The JSON objects of the GitHub API, made from the few things the host knows."""

import datetime
import urllib.parse

from .accounts import stable_id


def iso(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def account(login, base, kind="Organization"):
    return {
        "login": login,
        "id": stable_id(login),
        "node_id": f"{kind[0]}_{stable_id(login)}",
        "html_url": f"{base}/{urllib.parse.quote(login)}",
        "type": kind,
        "site_admin": False,
    }


def installation(installation, base):
    selected = installation.repositories is not None
    page = f"{base}/organizations/{installation.account}"
    return {
        "id": installation.id,
        "account": account(installation.account, base),
        "repository_selection": "selected" if selected else "all",
        "access_tokens_url": f"{base}/api/v3/app/installations/{installation.id}/access_tokens",
        "repositories_url": f"{base}/api/v3/installation/repositories",
        "html_url": f"{page}/settings/installations/{installation.id}",
        "app_id": installation.app.id,
        "app_slug": installation.app.slug,
        "target_type": "Organization",
        "permissions": installation.permissions,
        "events": [],
        "suspended_at": iso(0) if installation.suspended else None,
    }


def branch(full_name, branch, sha, base):
    url = f"{base}/api/v3/repos/{full_name}/commits/{sha}"
    return {"name": branch, "commit": {"sha": sha, "url": url}, "protected": False}


def repository(full_name, default_branch, token, base):
    owner, name = full_name.split("/")
    page = f"{base}/{full_name}"
    return {
        "id": stable_id(full_name),
        "node_id": f"R_{stable_id(full_name)}",
        "name": name,
        "full_name": full_name,
        "private": True,
        "owner": account(owner, base),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": f"{base}/api/v3/repos/{full_name}",
        "clone_url": f"{page}.git",
        "git_url": f"git://{page.partition('//')[2]}.git",
        "default_branch": default_branch,
        "archived": False,
        "disabled": False,
        "visibility": "private",
        "permissions": {
            "admin": False,
            "maintain": False,
            "push": token.may("contents", "write"),
            "triage": False,
            "pull": token.may("contents", "read"),
        },
    }
