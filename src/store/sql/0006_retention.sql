-- What makes old rows cheap to find, so that they can be removed a few at a time.
-- SPDX-License-Identifier: Apache-2.0

CREATE INDEX operations_ended ON operations (updated_at)
    WHERE state NOT IN ('queued', 'running', 'committed');
CREATE INDEX document_changes_by_time ON document_changes (replaced_at);
CREATE INDEX releases_by_time ON releases (created_at);
CREATE INDEX recorded_answers_by_operation ON recorded_answers (operation_id)
    WHERE operation_id IS NOT NULL;
