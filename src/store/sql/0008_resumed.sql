-- How many starts have taken up an operation again that was not ended: one whose server dies of it must not be tried for ever.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE operations ADD COLUMN resumed INTEGER NOT NULL DEFAULT 0;
