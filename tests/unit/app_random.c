// Makes documents small enough for thousands of rounds and edits that meet often. Ids are drawn from a counter, so that two
// sides that start from the same count add the same ids now and then.
// SPDX-License-Identifier: Apache-2.0
#include "app_random.h"

enum { ID_TEXT = 36 };

unsigned app_random_below(struct app_random *random, unsigned bound)
{
    // xorshift64* (Vigna, 2016)
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return (unsigned)((random->state * 0x2545f4914f6cdd1dULL) >> 33) % bound;
}

static bool one_in(struct app_random *random, unsigned n)
{
    return app_random_below(random, n) == 0;
}

static yyjson_mut_val *text(yyjson_mut_doc *doc, const char *prefix, unsigned n)
{
    char buf[64];
    snprintf(buf, sizeof buf, "%s%u", prefix, n);
    return yyjson_mut_strcpy(doc, buf);
}

static yyjson_mut_val *stamp(struct app_random *random, yyjson_mut_doc *doc)
{
    char buf[64];
    snprintf(buf, sizeof buf, "2025-01-%02uT00:00:00.000Z", app_random_below(random, 28) + 1);
    return yyjson_mut_strcpy(doc, buf);
}

static yyjson_mut_val *id(struct app_random *random, yyjson_mut_doc *doc)
{
    char buf[64];
    snprintf(buf, sizeof buf, "%08x-0000-4000-8000-%012x", random->next_id, random->next_id);
    random->next_id++;
    return yyjson_mut_strcpy(doc, buf);
}

static yyjson_mut_val *app_of(yyjson_mut_doc *doc)
{
    return yyjson_mut_obj_get(yyjson_mut_doc_get_root(doc), "appV2");
}

static yyjson_mut_val *list_of(yyjson_mut_doc *doc, const char *name)
{
    return yyjson_mut_obj_get(app_of(doc), name);
}

// The id of some element, or a null when there is none.
static yyjson_mut_val *some_id(struct app_random *random, yyjson_mut_doc *doc, const char *list)
{
    yyjson_mut_val *from = list_of(doc, list);
    size_t count = yyjson_mut_arr_size(from);
    if (count == 0)
        return yyjson_mut_null(doc);
    yyjson_mut_val *element = yyjson_mut_arr_get(from, app_random_below(random, (unsigned)count));
    return yyjson_mut_val_mut_copy(doc, yyjson_mut_obj_get(element, "id"));
}

static yyjson_mut_val *parent(struct app_random *random, yyjson_mut_doc *doc)
{
    yyjson_mut_val *of = some_id(random, doc, "components");
    if (!yyjson_mut_is_str(of) || one_in(random, 2))
        return yyjson_mut_null(doc);
    char buf[ID_TEXT + 16];
    snprintf(buf, sizeof buf, "%s%s", yyjson_mut_get_str(of), one_in(random, 2) ? "-modal" : "");
    return yyjson_mut_strcpy(doc, buf);
}

static yyjson_mut_val *value(struct app_random *random, yyjson_mut_doc *doc)
{
    switch (app_random_below(random, 5)) {
    case 0:
        return yyjson_mut_null(doc);
    case 1:
        return yyjson_mut_bool(doc, one_in(random, 2));
    case 2: {
        yyjson_mut_val *list = yyjson_mut_arr(doc);
        yyjson_mut_arr_append(list, text(doc, "e", app_random_below(random, 3)));
        return list;
    }
    default:
        return text(doc, "value ", app_random_below(random, 4));
    }
}

static yyjson_mut_val *values(struct app_random *random, yyjson_mut_doc *doc)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    for (unsigned i = 0; i < 3; i++)
        if (!one_in(random, 4))
            yyjson_mut_obj_put(object, text(doc, "m", i), value(random, doc));
    return object;
}

static yyjson_mut_val *list_by_id(struct app_random *random, yyjson_mut_doc *doc, unsigned most)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    unsigned count = app_random_below(random, most + 1);
    for (unsigned i = 0; i < count; i++) {
        yyjson_mut_val *element = values(random, doc);
        yyjson_mut_obj_put(element, yyjson_mut_str(doc, "id"), text(doc, "i", i));
        yyjson_mut_arr_append(list, element);
    }
    return list;
}

static void put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, yyjson_mut_val *v)
{
    yyjson_mut_obj_put(object, yyjson_mut_str(doc, name), v);
}

static yyjson_mut_val *entity(struct app_random *random, yyjson_mut_doc *doc, const char *list)
{
    yyjson_mut_val *e = yyjson_mut_obj(doc);
    put(doc, e, "id", id(random, doc));
    put(doc, e, "name", text(doc, "name", app_random_below(random, 9)));
    if (strcmp(list, "components") == 0) {
        put(doc, e, "pageId", some_id(random, doc, "pages"));
        put(doc, e, "parent", parent(random, doc));
        put(doc, e, "layouts", list_by_id(random, doc, 2));
        put(doc, e, "columns", list_by_id(random, doc, 3));
    } else if (strcmp(list, "events") == 0) {
        yyjson_mut_val *event = yyjson_mut_obj(doc);
        put(doc, event, "queryId", some_id(random, doc, "dataQueries"));
        put(doc, e, "sourceId", some_id(random, doc, "components"));
        put(doc, e, "event", event);
    }
    put(doc, e, "properties", values(random, doc));
    put(doc, e, "updatedAt", stamp(random, doc));
    return e;
}

// In an order in which what is referred to is there first.
static const char *const lists[] = {"pages", "dataQueries", "components", "events", "unknown"};
enum { LISTS = sizeof lists / sizeof lists[0] };

yyjson_mut_doc *app_random_document(struct app_random *random)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *app = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    put(doc, root, "appV2", app);
    put(doc, app, "id", yyjson_mut_str(doc, "A"));
    put(doc, app, "name", yyjson_mut_str(doc, "App"));
    put(doc, app, "settings", values(random, doc));
    for (size_t i = 0; i < LISTS; i++) {
        put(doc, app, lists[i], yyjson_mut_arr(doc));
        unsigned count = app_random_below(random, one_in(random, 4) ? 20 : 6);
        for (unsigned n = 0; n < count; n++)
            yyjson_mut_arr_append(list_of(doc, lists[i]), entity(random, doc, lists[i]));
    }
    yyjson_mut_val *version = values(random, doc), *versions = yyjson_mut_arr(doc);
    put(doc, version, "id", yyjson_mut_str(doc, "V"));
    put(doc, version, "name", yyjson_mut_str(doc, "v1"));
    put(doc, version, "homePageId", some_id(random, doc, "pages"));
    yyjson_mut_arr_append(versions, version);
    put(doc, app, "appVersions", versions);
    return doc;
}

// ---- Edits ----------------------------------------------------------------------------------

static void edit_object(struct app_random *random, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    yyjson_mut_val *key = text(doc, "m", app_random_below(random, 4));
    if (one_in(random, 3))
        yyjson_mut_obj_remove(object, key);
    else
        yyjson_mut_obj_put(object, key,
                           one_in(random, 4) ? values(random, doc) : value(random, doc));
}

static void edit_list_by_id(struct app_random *random, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
    size_t count = yyjson_mut_arr_size(list);
    if (!yyjson_mut_is_arr(list) || count == 0)
        return;
    unsigned at = app_random_below(random, (unsigned)count);
    if (one_in(random, 4))
        yyjson_mut_arr_remove(list, at);
    else if (one_in(random, 4))
        yyjson_mut_arr_rotate(list, at);
    else
        edit_object(random, doc, yyjson_mut_arr_get(list, at));
}

static void edit_entity(struct app_random *random, yyjson_mut_doc *doc, yyjson_mut_val *e)
{
    put(doc, e, "updatedAt", stamp(random, doc));
    switch (app_random_below(random, 7)) {
    case 0:
        put(doc, e, "name", text(doc, "name", app_random_below(random, 9)));
        break;
    case 1:
        if (yyjson_mut_obj_get(e, "pageId"))
            put(doc, e, "pageId", some_id(random, doc, "pages"));
        break;
    case 2:
        if (yyjson_mut_obj_get(e, "parent"))
            put(doc, e, "parent", parent(random, doc));
        break;
    case 3:
        edit_list_by_id(random, doc, yyjson_mut_obj_get(e, "layouts"));
        break;
    case 4:
        edit_list_by_id(random, doc, yyjson_mut_obj_get(e, "columns"));
        break;
    default:
        edit_object(random, doc, yyjson_mut_obj_get(e, "properties"));
        break;
    }
}

static void edit_list(struct app_random *random, yyjson_mut_doc *doc, const char *name)
{
    yyjson_mut_val *list = list_of(doc, name);
    unsigned count = (unsigned)yyjson_mut_arr_size(list);
    if (!list || count == 0 || one_in(random, 4)) {
        if (list)
            yyjson_mut_arr_insert(list, entity(random, doc, name),
                                  app_random_below(random, count + 1));
        return;
    }
    unsigned at = app_random_below(random, count);
    if (one_in(random, 4))
        yyjson_mut_arr_remove(list, at);
    else if (one_in(random, 12))
        yyjson_mut_arr_rotate(list, at);
    else
        edit_entity(random, doc, yyjson_mut_arr_get(list, at));
}

void app_random_edit(struct app_random *random, yyjson_mut_doc *doc, unsigned edits)
{
    for (unsigned i = 0; i < edits; i++) {
        unsigned what = app_random_below(random, LISTS + 2);
        if (what < LISTS)
            edit_list(random, doc, lists[what]);
        else if (what == LISTS)
            edit_object(random, doc, yyjson_mut_obj_get(app_of(doc), "settings"));
        else if (one_in(random, 8))
            yyjson_mut_obj_remove_str(app_of(doc), "unknown");
        else
            put(doc, yyjson_mut_arr_get_first(list_of(doc, "appVersions")), "homePageId",
                some_id(random, doc, "pages"));
    }
}
