-- What a push needs to know of a document, told by whoever stored it; NULL where nobody did.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE documents ADD COLUMN summary TEXT;
