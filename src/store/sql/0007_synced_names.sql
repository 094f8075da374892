-- What git called a linked app when it was last synced; NULL of links that were made before this was kept.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE git_links ADD COLUMN name TEXT;
