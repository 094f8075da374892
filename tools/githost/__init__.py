# SPDX-License-Identifier: Apache-2.0
"""A GitHub-like host on loopback: the GitHub App API and git over smart HTTP, with faults on request."""
