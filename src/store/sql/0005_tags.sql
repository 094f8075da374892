-- Which saved versions have a tag in git, or are to get one.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE git_configs ADD COLUMN tag INTEGER NOT NULL DEFAULT 0 CHECK (tag IN (0, 1));

CREATE TABLE version_tags (
    version_id TEXT NOT NULL PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
    -- NULL: wanted, and not in git as far as is known.
    commit_id TEXT
) STRICT;
