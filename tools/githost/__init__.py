# SPDX-License-Identifier: Apache-2.0
"""A GitHub-like host on loopback: the GitHub App API, git over smart HTTP, faults on request."""
