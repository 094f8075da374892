-- The constants and secrets of an organization, in each environment that has them. Of a secret only the name is kept.
-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE constants (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
    name TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    value TEXT,
    PRIMARY KEY (organization_id, secret, name, environment_id),
    CHECK ((secret = 1) = (value IS NULL))
) STRICT, WITHOUT ROWID;
