-- The answers to calls that carried an Idempotency-Key, and all that is known of why an operation failed.
-- SPDX-License-Identifier: Apache-2.0

-- The scope is a SHA-256 of the caller's token, the method and the target; request one of what was sent.
CREATE TABLE recorded_answers (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    request_id TEXT NOT NULL,
    -- With status 0 the answer is what became of this operation.
    operation_id TEXT,
    status INTEGER NOT NULL CHECK (status = 0 OR status BETWEEN 200 AND 499),
    -- One zstd frame of the body, its size and its SHA-256.
    body_id TEXT,
    body_size INTEGER NOT NULL CHECK (body_size >= 0),
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key),
    CHECK (status <> 0 OR operation_id IS NOT NULL)
) STRICT;

CREATE INDEX recorded_answers_by_end ON recorded_answers (expires_at);

-- The JSON array of the error, as the caller got it.
ALTER TABLE operations ADD COLUMN error_details TEXT;
