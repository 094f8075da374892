// Operations: what was asked for, how far it got, how it ended. Knows only the statements below it.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "store/store_internal.h"

static const char *const state_texts[] = {
    [GS_OP_QUEUED] = "queued", [GS_OP_RUNNING] = "running", [GS_OP_COMMITTED] = "committed",
    [GS_OP_DONE] = "done",     [GS_OP_FAILED] = "failed",   [GS_OP_CANCELLED] = "cancelled",
};

// Word for word the condition of the two indexes that have only these.
#define STATE_IS_OPEN "state IN ('queued', 'running', 'committed')"

#define COLUMNS                                                                                    \
    "id, kind, state, organization_id, app_id, version_id, request, commit_id, result,"            \
    " error_code, error_message, error_details, http_status, progress, phase, created_at,"         \
    " updated_at, resumed"

const char *gs_operation_state_text(enum gs_operation_state state)
{
    return state_texts[state];
}

bool gs_operation_state_from_text(const char *text, enum gs_operation_state *out_state)
{
    for (size_t i = 0; i < GS_COUNT(state_texts); i++) {
        if (strcmp(state_texts[i], text) == 0) {
            *out_state = (enum gs_operation_state)i;
            return true;
        }
    }
    return false;
}

static enum gs_operation_state row_state(struct gs_row *row)
{
    enum gs_operation_state state = GS_OP_FAILED;
    // The table takes no text that is not a state.
    gs_operation_state_from_text(gs_row_text(row), &state);
    return state;
}

static void read_operation(struct gs_row *row, void *out)
{
    struct gs_operation *op = out;
    op->id = gs_row_text(row);
    op->kind = gs_row_text(row);
    op->state = row_state(row);
    op->organization_id = gs_row_text(row);
    op->app_id = gs_row_text(row);
    op->version_id = gs_row_text(row);
    op->request = gs_row_text(row);
    op->commit = gs_row_text(row);
    op->result = gs_row_text(row);
    op->error_code = gs_row_text(row);
    op->error_message = gs_row_text(row);
    op->error_details = gs_row_text(row);
    op->http_status = (int)gs_row_int(row);
    op->progress = (int)gs_row_int(row);
    op->phase = gs_row_text(row);
    op->created_at = gs_row_int(row);
    op->updated_at = gs_row_int(row);
    op->resumed = gs_row_int(row);
}

static const struct gs_row_type operation_type = {sizeof(struct gs_operation), read_operation};

enum gs_status gs_store_add_operation(struct gs_tx *tx, const struct gs_operation *op,
                                      struct gs_error *err)
{
    return gs_sql_run(
        tx->db,
        "INSERT INTO operations (" COLUMNS ")"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        GS_SQL_ARGS(gs_sql_text(op->id), gs_sql_text(op->kind), gs_sql_text(state_texts[op->state]),
                    gs_sql_text(op->organization_id), gs_sql_text(op->app_id),
                    gs_sql_text(op->version_id), gs_sql_text(op->request), gs_sql_text(op->commit),
                    gs_sql_text(op->result), gs_sql_text(op->error_code),
                    gs_sql_text(op->error_message), gs_sql_text(op->error_details),
                    gs_sql_int(op->http_status), gs_sql_int(op->progress), gs_sql_text(op->phase),
                    gs_sql_int(op->created_at), gs_sql_int(op->updated_at),
                    gs_sql_int(op->resumed)),
        err);
}

enum gs_status gs_store_update_operation(struct gs_tx *tx, const struct gs_operation *op,
                                         struct gs_error *err)
{
    return gs_sql_change(
        tx->db,
        "UPDATE operations SET state = ?, organization_id = ?, app_id = ?, version_id = ?,"
        " commit_id = ?, result = ?, error_code = ?, error_message = ?, error_details = ?,"
        " http_status = ?, progress = ?, phase = ?, updated_at = ? WHERE id = ?",
        GS_SQL_ARGS(gs_sql_text(state_texts[op->state]), gs_sql_text(op->organization_id),
                    gs_sql_text(op->app_id), gs_sql_text(op->version_id), gs_sql_text(op->commit),
                    gs_sql_text(op->result), gs_sql_text(op->error_code),
                    gs_sql_text(op->error_message), gs_sql_text(op->error_details),
                    gs_sql_int(op->http_status), gs_sql_int(op->progress), gs_sql_text(op->phase),
                    gs_sql_int(op->updated_at), gs_sql_text(op->id)),
        err);
}

enum gs_status gs_store_count_resumed(struct gs_tx *tx, struct gs_error *err)
{
    return gs_sql_run(tx->db, "UPDATE operations SET resumed = resumed + 1 WHERE state IN (?, ?)",
                      GS_SQL_ARGS(gs_sql_text(state_texts[GS_OP_QUEUED]),
                                  gs_sql_text(state_texts[GS_OP_RUNNING])),
                      err);
}

enum gs_status gs_store_get_operation(struct gs_tx *tx, const char *id, struct gs_arena *arena,
                                      struct gs_operation *out_op, struct gs_error *err)
{
    return gs_sql_find(tx->db, "SELECT " COLUMNS " FROM operations WHERE id = ?",
                       GS_SQL_ARGS(gs_sql_text(id)), &operation_type, arena, out_op, err);
}

// A SELECT that grows a condition at a time; its texts are few, so each stays prepared.
struct selection {
    struct gs_buf sql;
    struct gs_sql_arg args[5];
    size_t arg_count;
    bool has_condition;
};

static void add_condition(struct selection *sel, const char *condition)
{
    gs_buf_append_str(&sel->sql, sel->has_condition ? " AND " : " WHERE ");
    gs_buf_append_str(&sel->sql, condition);
    sel->has_condition = true;
}

// Nothing when the text is NULL.
static void add_text_condition(struct selection *sel, const char *condition, const char *text)
{
    if (!text)
        return;
    add_condition(sel, condition);
    sel->args[sel->arg_count++] = gs_sql_text(text);
}

static void select_operations(struct selection *sel, const struct gs_operation_filter *filter)
{
    gs_buf_append_str(&sel->sql, "SELECT " COLUMNS " FROM operations");
    add_text_condition(sel, "organization_id = ?", filter->organization_id);
    add_text_condition(sel, "app_id = ?", filter->app_id);
    if (filter->open_only)
        add_condition(sel, STATE_IS_OPEN);
    add_text_condition(sel, "state = ?", filter->state ? state_texts[*filter->state] : NULL);
    add_text_condition(sel, "id < ?", filter->before_id);
    gs_buf_append_str(&sel->sql, " ORDER BY id DESC LIMIT ?");
    sel->args[sel->arg_count++] = gs_sql_limit(filter->limit);
}

static void release_selection(struct selection *sel)
{
    gs_buf_release(&sel->sql);
}

enum gs_status gs_store_list_operations(struct gs_tx *tx, const struct gs_operation_filter *filter,
                                        struct gs_arena *arena, struct gs_operation **out_ops,
                                        size_t *out_count, struct gs_error *err)
{
    GS_CLEANUP(release_selection) struct selection sel = {0};
    gs_buf_init(&sel.sql, 1024);
    select_operations(&sel, filter);
    enum gs_status status = gs_buf_check(&sel.sql, "the list of conditions", err);
    if (status != GS_OK)
        return status;
    return gs_sql_list(tx->db, sel.sql.data, (struct gs_sql_args){sel.args, sel.arg_count},
                       &operation_type, arena, out_ops, out_count, err);
}
