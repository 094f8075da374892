// The constants and secrets of an organization, as far as this server knows them: names, and of constants their values. Never
// takes the value of a secret.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/map.h"

enum {
    CONSTANTS_MAX = 1000,
    NAME_MAX_BYTES = 255,
    VALUE_MAX_BYTES = 64 << 10,
    VALUES_MAX_BYTES = 1 << 20, // of all together
    COMPLAINTS_MAX = 100,       // then the rest is not looked at
};

static const char *const kinds[] = {"constant", "secret", NULL};

// A list on its way from a body to the store.
struct reading {
    struct call *call;
    struct fields fields;
    const struct gs_environment *environments;
    size_t environment_count;
    struct gs_map seen; // by kind and name
    struct gs_constant *rows;
    size_t row_count, bytes;
};

static const struct gs_environment *find_environment(struct reading *reading, const char *field,
                                                     struct gs_slice name)
{
    for (size_t i = 0; i < reading->environment_count; i++)
        if (gs_slice_eq_str(name, reading->environments[i].name))
            return &reading->environments[i];
    name.len = name.len < NAME_MAX_BYTES ? name.len : NAME_MAX_BYTES;
    gs_fields_complain(&reading->fields, field, "the organization has no environment '%.*s'",
                       GS_SLICE_ARG(gs_slice_trim_utf8(name)));
    return NULL;
}

static bool has_enough(const struct reading *reading)
{
    return reading->fields.count >= COMPLAINTS_MAX || reading->bytes > VALUES_MAX_BYTES;
}

static void add_row(struct reading *reading, const char *name,
                    const struct gs_environment *environment, const char *value)
{
    for (size_t i = reading->row_count; i > 0 && reading->rows[i - 1].name == name; i--)
        if (reading->rows[i - 1].environment_id == environment->id)
            return; // a secret that names an environment twice
    reading->rows[reading->row_count++] = (struct gs_constant){
        .name = name,
        .secret = !value,
        .environment = environment->name,
        .environment_id = environment->id,
        .value = value,
    };
}

static void read_value(struct reading *reading, const char *name, struct gs_slice environment_name,
                       yyjson_val *value)
{
    struct gs_slice text = gs_json_str(value);
    const struct gs_environment *environment =
        find_environment(reading, "values", environment_name);
    reading->bytes += text.len;
    if (!environment || has_enough(reading))
        return;
    if (!yyjson_is_str(value))
        gs_fields_complain(&reading->fields, "values", "the value in %s must be a string",
                           environment->name);
    else if (text.len > VALUE_MAX_BYTES || gs_slice_has_nul(text))
        gs_fields_complain(&reading->fields, "values",
                           "the value in %s must have at most %d bytes and no NUL character",
                           environment->name, VALUE_MAX_BYTES);
    else
        add_row(reading, name, environment, gs_arena_dup_slice(reading->call->arena, text));
}

static void read_values(struct reading *reading, const char *name, yyjson_val *item)
{
    size_t i, n;
    yyjson_val *key, *value, *values = gs_json_get_obj(item, "values");
    if (yyjson_obj_size(values) == 0)
        gs_fields_complain(&reading->fields, "values",
                           "values must be an object of the constant's value in each environment "
                           "that has it");
    if (yyjson_obj_get(item, "environments"))
        gs_fields_complain(&reading->fields, "environments",
                           "environments is for secrets; those of a constant are named by values");
    yyjson_obj_foreach(values, i, n, key, value)
    {
        if (has_enough(reading))
            break;
        read_value(reading, name, gs_json_str(key), value);
    }
}

static void read_secret(struct reading *reading, const char *name, yyjson_val *item)
{
    size_t i, n;
    yyjson_val *list = yyjson_obj_get(item, "environments"), *element;
    if (yyjson_obj_get(item, "values") || yyjson_obj_get(item, "value")) {
        gs_fields_complain(&reading->fields, "values",
                           "only the name of a secret is kept here, so its value is not taken; "
                           "leave it out, and name in environments where the secret has one");
        return;
    }
    if (list && !yyjson_is_arr(list))
        gs_fields_complain(&reading->fields, "environments", "environments must be an array");
    for (i = 0; !list && i < reading->environment_count; i++)
        add_row(reading, name, &reading->environments[i], NULL);
    yyjson_arr_foreach(list, i, n, element)
    {
        if (has_enough(reading))
            break;
        const struct gs_environment *environment =
            find_environment(reading, "environments", gs_json_str(element));
        if (environment)
            add_row(reading, name, environment, NULL);
    }
}

static bool has_control(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            return true;
    return false;
}

// False when it has been complained about.
static bool check_name(struct reading *reading, const char *name, int kind)
{
    if (!name)
        return false;
    struct gs_slice key = gs_slice_str(gs_arena_printf(reading->call->arena, "%d%s", kind, name));
    if (has_control(name))
        gs_fields_complain(&reading->fields, "name", "name must not contain control characters");
    else if (gs_map_put(&reading->seen, key, reading))
        gs_fields_complain(&reading->fields, "name", "the %s '%s' is there twice", kinds[kind],
                           name);
    else
        return true;
    return false;
}

static void read_item(struct reading *reading, yyjson_val *item, size_t index)
{
    struct fields *fields = &reading->fields;
    yyjson_val *outer = fields->obj;
    fields->base = gs_arena_printf(reading->call->arena, "/constants/%zu", index);
    fields->obj = item;
    if (!yyjson_is_obj(item))
        gs_fields_complain(fields, "name", "each of constants must be an object with a name");
    const char *name =
        yyjson_is_obj(item) ? gs_fields_text(fields, "name", FIELD_REQUIRED, NAME_MAX_BYTES) : NULL;
    int kind = gs_fields_choice(fields, "kind", kinds, 0);
    if (check_name(reading, name, kind)) {
        if (kind)
            read_secret(reading, name, item);
        else
            read_values(reading, name, item);
    }
    fields->base = "";
    fields->obj = outer;
}

static enum gs_status read_body(struct reading *reading, yyjson_val *body, struct gs_error *err)
{
    size_t i, n;
    yyjson_val *list = gs_json_get_arr(body, "constants"), *item;
    gs_fields_begin(&reading->fields, reading->call, body);
    gs_map_init(&reading->seen);
    size_t count = yyjson_arr_size(list);
    reading->rows =
        gs_arena_array(reading->call->arena,
                       (count < CONSTANTS_MAX ? count : CONSTANTS_MAX) * reading->environment_count,
                       sizeof *reading->rows);
    if (!list)
        gs_fields_complain(&reading->fields, "constants", "constants must be an array");
    else if (count > CONSTANTS_MAX)
        gs_fields_complain(&reading->fields, "constants", "constants must have at most %d elements",
                           CONSTANTS_MAX);
    else
        yyjson_arr_foreach(list, i, n, item)
        {
            if (has_enough(reading))
                break;
            read_item(reading, item, i);
        }
    gs_map_release(&reading->seen);
    if (reading->bytes > VALUES_MAX_BYTES)
        gs_fields_complain(&reading->fields, "constants",
                           "all values together must have at most %d bytes", VALUES_MAX_BYTES);
    return gs_fields_end(&reading->fields, err);
}

// ---- The answer --------------------------------------------------------------------------

// Rows of one name follow each other.
static void view_constants(yyjson_mut_doc *doc, yyjson_mut_val *root,
                           const struct gs_constant *rows, size_t count)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "constants"), *members = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct gs_constant *row = &rows[i];
        if (i == 0 || row->secret != row[-1].secret || strcmp(row->name, row[-1].name) != 0) {
            yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
            gs_json_add_cstr(doc, obj, "name", row->name);
            gs_json_add_cstr(doc, obj, "kind", kinds[row->secret]);
            members = row->secret ? yyjson_mut_obj_add_arr(doc, obj, "environments")
                                  : yyjson_mut_obj_add_obj(doc, obj, "values");
        }
        if (row->secret)
            yyjson_mut_arr_add_strcpy(doc, members, row->environment);
        else
            yyjson_mut_obj_add(members, yyjson_mut_strcpy(doc, row->environment),
                               yyjson_mut_strcpy(doc, row->value));
    }
}

static enum gs_status answer_stored(struct call *call, struct gs_tx *tx, const char *id,
                                    struct gs_error *err)
{
    struct gs_constant *rows;
    size_t count = 0;
    enum gs_status status = gs_store_list_constants(tx, id, call->arena, &rows, &count, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *root = gs_call_answer(call);
    view_constants(call->answer, root, rows, count);
    return GS_OK;
}

enum gs_status gs_constants_get(struct call *call, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *id = gs_call_param(call, "organizationId");
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_check_organization(tx, id, call->arena, err);
    return status == GS_OK ? answer_stored(call, tx, id, err) : status;
}

static enum gs_status list_environments(struct call *call, struct reading *reading,
                                        struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *id = gs_call_param(call, "organizationId");
    struct gs_environment *environments = NULL;
    enum gs_status status = gs_call_read(call, &tx, err);
    if (status == GS_OK)
        status = gs_workspace_check_organization(tx, id, call->arena, err);
    if (status == GS_OK)
        status = gs_store_list_environments(tx, id, call->arena, &environments,
                                            &reading->environment_count, err);
    reading->environments = environments;
    return status;
}

static enum gs_status store(struct call *call, const struct reading *reading, struct gs_error *err)
{
    GS_CLEANUP(gs_tx_end) struct gs_tx *tx = NULL;
    const char *id = gs_call_param(call, "organizationId");
    enum gs_status status = gs_call_write(call, &tx, err);
    if (status == GS_OK)
        status = gs_store_put_constants(tx, id, reading->rows, reading->row_count, err);
    if (status == GS_OK)
        status = answer_stored(call, tx, id, err);
    return status == GS_OK ? gs_tx_commit(&tx, err) : status;
}

enum gs_status gs_constants_put(struct call *call, struct gs_error *err)
{
    yyjson_val *body = NULL;
    struct reading reading = {.call = call};
    enum gs_status status = gs_call_body(call, &body, err);
    if (status == GS_OK)
        status = list_environments(call, &reading, err);
    if (status == GS_OK)
        status = read_body(&reading, body, err);
    return status == GS_OK ? store(call, &reading, err) : status;
}
