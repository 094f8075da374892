// Makes and takes apart the documents of the tests. A text that is no app is a mistake in the test.
// SPDX-License-Identifier: Apache-2.0
#include "app_fixture.h"

enum { TEXT_MAX = 1 << 20 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "app_fixture: %s\n", what);
    abort();
}

static void exchange(char *text, size_t len, char from, char to)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == from)
            text[i] = to;
}

char *app_text(const char *json)
{
    size_t len = strlen(json);
    char *copy = gs_xstrdup(json);
    struct gs_error err = GS_ERROR_INIT;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    struct gs_buf out;
    gs_buf_init(&out, TEXT_MAX);
    exchange(copy, len, '\'', '"');
    must(gs_json_parse(gs_slice_of(copy, len), json, &doc, &err) == GS_OK, err.message);
    gs_json_write(yyjson_doc_get_root(doc), &out);
    free(copy);
    return gs_buf_take(&out, NULL);
}

char *app_document(const char *members)
{
    struct gs_buf json;
    gs_buf_init(&json, TEXT_MAX);
    gs_buf_printf(&json,
                  "{'app':[{'definition':{'appV2':{'id':'A','name':'App',%s"
                  "'appVersions':[{'id':'V','name':'v1'}]}}}],'tooljet_version':'3.20.45'}",
                  members);
    char *text = app_text(json.data);
    gs_buf_release(&json);
    return text;
}

char *app_quoted(yyjson_mut_doc *doc)
{
    struct gs_buf out;
    gs_buf_init(&out, TEXT_MAX);
    must(gs_json_write_mut(doc, &out, NULL) == GS_OK, "a report does not fit");
    exchange(out.data, out.len, '"', '\'');
    return gs_buf_take(&out, NULL);
}

struct app_side app_side_of(char *text)
{
    struct app_side side = {.text = text};
    struct gs_error err = GS_ERROR_INIT;
    must(gs_document_parse(gs_slice_str(text), "the fixture", &side.document, &err) == GS_OK,
         err.message);
    return side;
}

void app_side_release(struct app_side *side)
{
    gs_document_release(&side->document);
    free(side->text);
}

struct gs_merge_side app_merge_side(const struct app_side *side)
{
    return (struct gs_merge_side){&side->document, gs_slice_str(side->text)};
}
