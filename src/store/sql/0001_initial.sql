-- Every table of the first schema. Times are Unix milliseconds, ids are text, booleans are 0 and 1.
-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX organizations_by_age ON organizations (created_at, id);

CREATE TABLE environments (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority > 0),
    UNIQUE (organization_id, priority),
    UNIQUE (organization_id, name)
) STRICT;

-- Content-addressed: id is the SHA-256 of the uncompressed bytes, packed one zstd frame of them.
CREATE TABLE documents (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 64),
    size INTEGER NOT NULL CHECK (size >= 0),
    packed BLOB NOT NULL
) STRICT;

-- An organization with apps is never removed by accident.
CREATE TABLE apps (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE RESTRICT,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    current_version_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (organization_id, name),
    -- The released version is one of the app's own. Looked at when the transaction commits, because
    -- the app and its version each need the other.
    FOREIGN KEY (id, current_version_id) REFERENCES versions (app_id, id)
        DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX apps_by_age ON apps (organization_id, created_at, id);

-- What an app owns goes with the app; what it only uses (environments, documents) cannot go first.
CREATE TABLE versions (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    draft INTEGER NOT NULL CHECK (draft IN (0, 1)),
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE RESTRICT,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE RESTRICT,
    synced_document_id TEXT REFERENCES documents (id) ON DELETE RESTRICT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app_id, name),
    UNIQUE (app_id, id)
) STRICT;

CREATE INDEX versions_by_age ON versions (app_id, created_at, id);
CREATE INDEX versions_by_document ON versions (document_id);
CREATE INDEX versions_by_synced_document ON versions (synced_document_id);

-- What a version held before; ids grow with age.
CREATE TABLE document_changes (
    id INTEGER NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE RESTRICT,
    operation_id TEXT,
    replaced_at INTEGER NOT NULL,
    FOREIGN KEY (app_id, version_id) REFERENCES versions (app_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX document_changes_by_age ON document_changes (app_id, id);
CREATE INDEX document_changes_by_version ON document_changes (app_id, version_id);
CREATE INDEX document_changes_by_document ON document_changes (document_id);

CREATE TABLE releases (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE RESTRICT,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE RESTRICT,
    previous_version_id TEXT,
    commit_id TEXT,
    operation_id TEXT,
    created_at INTEGER NOT NULL,
    FOREIGN KEY (app_id, version_id) REFERENCES versions (app_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX releases_by_age ON releases (app_id, created_at, id);
CREATE INDEX releases_by_version ON releases (app_id, version_id);
CREATE INDEX releases_by_document ON releases (document_id);

CREATE TABLE git_configs (
    organization_id TEXT NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    git_url TEXT NOT NULL,
    branch TEXT NOT NULL,
    github_app_id TEXT NOT NULL,
    github_installation_id TEXT NOT NULL,
    api_url TEXT NOT NULL,
    enterprise_url TEXT,
    enterprise_api_url TEXT,
    sealed_key BLOB NOT NULL,
    key_fingerprint TEXT NOT NULL,
    layout TEXT NOT NULL CHECK (layout IN ('single-file', 'per-entity')),
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE git_links (
    app_id TEXT NOT NULL PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    git_app_id TEXT NOT NULL,
    git_url TEXT NOT NULL,
    branch TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    synced_at INTEGER NOT NULL,
    UNIQUE (organization_id, git_app_id)
) STRICT;

-- A record of what was done: it outlives what it speaks of, so it has no foreign keys.
CREATE TABLE operations (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'running', 'committed', 'done', 'failed', 'cancelled')),
    organization_id TEXT,
    app_id TEXT,
    version_id TEXT,
    request TEXT NOT NULL,
    commit_id TEXT,
    result TEXT,
    error_code TEXT,
    error_message TEXT,
    http_status INTEGER NOT NULL,
    progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
    phase TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX operations_by_organization ON operations (organization_id, id);
CREATE INDEX operations_by_app ON operations (app_id, id);
CREATE INDEX operations_by_state ON operations (state, id);
-- What is open is asked for often and is little beside what is finished.
CREATE INDEX operations_open_by_organization ON operations (organization_id, id)
    WHERE state IN ('queued', 'running', 'committed');
CREATE INDEX operations_open_by_app ON operations (app_id, id)
    WHERE state IN ('queued', 'running', 'committed');

CREATE TABLE tokens (
    sha256 TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- One row that the readiness check writes, to find out whether the disk takes it.
CREATE TABLE health (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    checked_at INTEGER NOT NULL
) STRICT;

INSERT INTO health (id, checked_at) VALUES (1, 0);
