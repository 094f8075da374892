// Finds appV2 in what ToolJet's export and its GitSync write, and says what is missing. Knows
// nothing below appV2.
// SPDX-License-Identifier: Apache-2.0
#include "app/app_internal.h"

enum { ID_MAX = 255 };

static enum gs_status fail(const char *what, const char *path, const char *problem,
                           struct gs_error *err)
{
    return gs_fail(err, GS_CODE_NOT_AN_APP, path, "%s: %s %s", what,
                   path[0] ? path : "the document", problem);
}

static enum gs_status get_member(yyjson_val *object, const char *name, const char *path,
                                 yyjson_type type, const char *what, yyjson_val **out_value,
                                 struct gs_error *err)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    if (!value)
        return fail(what, path, "is missing", err);
    if (yyjson_get_type(value) != type)
        return fail(what, path, type == YYJSON_TYPE_ARR ? "must be an array" : "must be an object",
                    err);
    *out_value = value;
    return GS_OK;
}

static enum gs_status get_only_app(yyjson_val *apps, const char *what, yyjson_val **out_app,
                                   struct gs_error *err)
{
    if (yyjson_arr_size(apps) != 1)
        return gs_fail(err, GS_CODE_NOT_AN_APP, "/app",
                       "%s: /app must hold exactly one app, it holds %zu", what,
                       yyjson_arr_size(apps));
    yyjson_val *app = yyjson_arr_get_first(apps);
    if (!yyjson_is_obj(app))
        return fail(what, "/app/0", "must be an object", err);
    *out_app = app;
    return GS_OK;
}

static enum gs_status find_nested(struct gs_envelope *e, const char *what, struct gs_error *err)
{
    enum gs_status status =
        get_member(e->spine[0], "app", "/app", YYJSON_TYPE_ARR, what, &e->spine[1], err);
    if (status == GS_OK)
        status = get_only_app(e->spine[1], what, &e->spine[2], err);
    if (status == GS_OK)
        status = get_member(e->spine[2], "definition", "/app/0/definition", YYJSON_TYPE_OBJ, what,
                            &e->spine[3], err);
    if (status == GS_OK)
        status = get_member(e->spine[3], "appV2", "/app/0/definition/appV2", YYJSON_TYPE_OBJ, what,
                            &e->spine[4], err);
    e->depth = 5;
    return status;
}

enum gs_status gs_envelope_find(yyjson_val *root, const char *what,
                                struct gs_envelope *out_envelope, struct gs_error *err)
{
    struct gs_envelope e = {.spine = {root}};
    if (!yyjson_is_obj(root))
        return fail(what, "", "must be an object", err);
    enum gs_status status;
    if (!yyjson_obj_get(root, "app") && yyjson_obj_get(root, "appV2")) {
        e.depth = 2;
        status = get_member(root, "appV2", "/appV2", YYJSON_TYPE_OBJ, what, &e.spine[1], err);
    } else {
        status = find_nested(&e, what, err);
    }
    if (status == GS_OK)
        *out_envelope = e;
    return status;
}

yyjson_val *gs_envelope_app(const struct gs_envelope *envelope)
{
    return envelope->spine[envelope->depth - 1];
}

bool gs_envelope_is_flat(const struct gs_envelope *envelope)
{
    return envelope->depth == 2;
}

const char *gs_envelope_path(const struct gs_envelope *envelope)
{
    return gs_envelope_is_flat(envelope) ? "/appV2" : "/app/0/definition/appV2";
}

static bool is_plain_id(struct gs_slice id)
{
    for (size_t i = 0; i < id.len; i++)
        if ((unsigned char)id.data[i] < 0x20 || id.data[i] == 0x7f)
            return false;
    return id.len > 0 && id.len <= ID_MAX;
}

static enum gs_status get_string(yyjson_val *object, const char *path, const char *member,
                                 const char *what, struct gs_slice *out_text, struct gs_error *err)
{
    char pointer[128];
    snprintf(pointer, sizeof pointer, "%s/%s", path, member);
    yyjson_val *value = yyjson_obj_get(object, member);
    if (!value)
        return fail(what, pointer, "is missing", err);
    if (!yyjson_is_str(value))
        return fail(what, pointer, "must be a string", err);
    *out_text = gs_json_str(value);
    return GS_OK;
}

enum gs_status gs_envelope_get_id(yyjson_val *object, const char *path, const char *what,
                                  struct gs_slice *out_id, struct gs_error *err)
{
    struct gs_slice id;
    enum gs_status status = get_string(object, path, "id", what, &id, err);
    if (status != GS_OK)
        return status;
    if (!is_plain_id(id))
        return gs_fail(err, GS_CODE_NOT_AN_APP, path,
                       "%s: %s/id must be 1 to %d bytes without control characters", what, path,
                       ID_MAX);
    *out_id = id;
    return GS_OK;
}

enum gs_status gs_envelope_get_name(yyjson_val *object, const char *path, const char *what,
                                    struct gs_slice *out_name, struct gs_error *err)
{
    return get_string(object, path, "name", what, out_name, err);
}
