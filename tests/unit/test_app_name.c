// Which names of apps and versions can be folders and files in git.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app/app.h"

#define LIT GS_SLICE_LIT

static void good_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "App",
        "a",
        " App ",
        "v1.9.7",
        "Ends in dots...",
        "..a",
        "...",
        ". .",
        "a\\b",
        "a:b (c) & d",
        "Grüße 你好 🛠️",
        "git",
        "git~2",
        "g.git",
        "agit~1",
        "meta",
        ".metadata",
        ".hidden",
        "CON",
        "~",
        "\xc2\xa0"
        "a",
        "a\xe2\x80\x8d"
        "b",
    };
    for (size_t i = 0; i < GS_COUNT(names); i++) {
        assert_int_equal(gs_app_check_name(gs_slice_str(names[i]), "/name", NULL), GS_OK);
        assert_int_equal(gs_version_check_name(gs_slice_str(names[i]), "/name", NULL), GS_OK);
    }
}

static void assert_refused(struct gs_slice name, const char *cause)
{
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_app_check_name(name, "/appName", &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_INVALID_NAME);
    assert_string_equal(err.field, "/appName");
    assert_non_null(strstr(err.message, cause));
    assert_int_equal(gs_version_check_name(name, "/name", &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_INVALID_NAME);
    gs_error_release(&err);
}

static void names_that_git_or_a_file_system_takes_for_something_else(void **state)
{
    (void)state;
    static const char *const names[] = {
        ".git",
        ".GIT",
        ".Git",
        ".git ",
        ".git.",
        ".git . .",
        ".git::$INDEX_ALLOCATION",
        ".git\\x",
        ".gitmodules",
        ".gitignore",
        ".github",
        ".git-history",
        "git~1",
        "GIT~1",
        "git~1 ",
        "git~1.",
        "git~12",
        ".g\xe2\x80\x8cit",                         // zero width non-joiner
        "\xe2\x80\x8e.g\xe2\x80\xaei\xe2\x81\xaft", // marks and overrides
        ".git\xef\xbb\xbf",                         // byte order mark
        ".meta",
        ".META",
        ".meta ",
        ".meta...",
        ".me\xe2\x80\x8dta",
    };
    for (size_t i = 0; i < GS_COUNT(names); i++)
        assert_refused(gs_slice_str(names[i]), "must not look like '.git' or '.meta'");
    assert_refused(LIT("."), "must not be '.' or '..'");
    assert_refused(LIT(".."), "must not be '.' or '..'");
}

static void names_with_bad_characters(void **state)
{
    (void)state;
    assert_refused(LIT("a/b"), "must not contain '/'");
    assert_refused(LIT("/"), "must not contain '/'");
    assert_refused(LIT("a\0b"), "control characters");
    assert_refused(LIT("a\nb"), "control characters");
    assert_refused(LIT("\x1f"), "control characters");
    assert_refused(LIT("a\x7f"), "control characters");
    assert_refused(LIT("a\xc2\x85"), "control characters"); // NEL, of C1
    assert_refused(LIT("a\xff"), "must be UTF-8");
    assert_refused(LIT("a\xc0\xaf"), "must be UTF-8"); // '/' in an overlong form
    assert_refused(LIT("a\xed\xa0\x80"), "must be UTF-8");
    assert_refused(LIT("a\xe2\x80"), "must be UTF-8");
}

static void names_that_are_nothing(void **state)
{
    (void)state;
    assert_refused(GS_SLICE_EMPTY, "must not be empty");
    assert_refused(LIT(""), "must not be empty");
    assert_refused(LIT(" "), "must not be blank");
    assert_refused(LIT("   \xc2\xa0\xe3\x80\x80\xef\xbb\xbf"), "must not be blank");
}

static void names_have_a_length(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'n', sizeof name);
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_app_check_name(gs_slice_of(name, 255), NULL, NULL), GS_OK);
    assert_int_equal(gs_app_check_name(gs_slice_of(name, 256), NULL, NULL), GS_INVALID);
    assert_int_equal(gs_version_check_name(gs_slice_of(name, 250), NULL, NULL), GS_OK);
    assert_int_equal(gs_version_check_name(gs_slice_of(name, 251), "/name", &err), GS_INVALID);
    assert_string_equal(err.message, "the version name must not be longer than 250 bytes");
    assert_refused(gs_slice_of(name, sizeof name), "must not be longer than");
}

static enum gs_code save_code(struct gs_slice name)
{
    struct gs_error err = GS_ERROR_INIT;
    enum gs_status status = gs_version_check_save_name(name, "/name", &err);
    assert_int_equal(status, gs_error_status(&err));
    return err.code;
}

static void names_given_on_saving(void **state)
{
    (void)state;
    assert_int_equal(save_code(LIT("v1.2-rc+3_x")), GS_CODE_NONE);
    assert_int_equal(save_code(LIT("1234567890123456789012345")), GS_CODE_NONE);
    assert_int_equal(save_code(LIT("12345678901234567890123456")), GS_CODE_VERSION_NAME_GIVEN);
    // Characters count, not bytes.
    assert_int_equal(save_code(LIT("ääääääääääääääääääääääää🛠")),
                     GS_CODE_NONE);
    static const char *const forbidden[] = {
        "a b",
        "a\xc2\xa0"
        "b",
        "a\xe2\x80\xa8",
        "a~",
        "a^",
        "a:",
        "a?",
        "a*",
        "[a",
        "a]",
        "a\\b",
        "a@b",
        "a{0}",
    };
    for (size_t i = 0; i < GS_COUNT(forbidden); i++)
        assert_int_equal(save_code(gs_slice_str(forbidden[i])), GS_CODE_VERSION_NAME_GIVEN);
    assert_int_equal(save_code(LIT("")), GS_CODE_INVALID_NAME);
    assert_int_equal(save_code(LIT("a/b")), GS_CODE_INVALID_NAME);
    assert_int_equal(save_code(LIT("a\tb")), GS_CODE_INVALID_NAME);
}

static void three_names_tell_who_renamed(void **state)
{
    (void)state;
    static const struct {
        const char *synced, *here, *git;
        enum gs_rename wanted;
    } rows[] = {
        {"a", "a", "a", GS_RENAME_NONE},  {"a", "b", "b", GS_RENAME_NONE},
        {NULL, "a", "a", GS_RENAME_NONE}, {NULL, "a", "b", GS_RENAME_UNKNOWN},
        {"a", "b", "a", GS_RENAME_HERE},  {"a", "a", "b", GS_RENAME_GIT},
        {"a", "b", "c", GS_RENAME_BOTH},  {"a", "A", "a", GS_RENAME_HERE},
        {"a", "a", "A", GS_RENAME_GIT},
    };
    for (size_t i = 0; i < GS_COUNT(rows); i++)
        assert_int_equal(gs_app_find_rename(rows[i].synced, rows[i].here, rows[i].git),
                         rows[i].wanted);
}

static void two_renames_are_a_conflict_that_tells_all_three(void **state)
{
    (void)state;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_app_fail_renamed("id", "a", "b", "c\"", &err), GS_CONFLICT);
    assert_int_equal(err.code, GS_CODE_MERGE_CONFLICT);
    const char *const parts[] = {"\"member\":\"name\"", "\"base\":\"a\"", "\"ours\":\"b\"",
                                 "\"theirs\":\"c\\\"\""};
    for (size_t i = 0; i < GS_COUNT(parts); i++)
        assert_non_null(strstr(err.details, parts[i]));
    gs_error_release(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_names),
        cmocka_unit_test(names_that_git_or_a_file_system_takes_for_something_else),
        cmocka_unit_test(names_with_bad_characters),
        cmocka_unit_test(names_that_are_nothing),
        cmocka_unit_test(names_have_a_length),
        cmocka_unit_test(names_given_on_saving),
        cmocka_unit_test(three_names_tell_who_renamed),
        cmocka_unit_test(two_renames_are_a_conflict_that_tells_all_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
