-- Whether an organization pushes documents although they hold secrets in the open.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE git_configs ADD COLUMN allow_secrets INTEGER NOT NULL DEFAULT 0
    CHECK (allow_secrets IN (0, 1));
