// Settings: which source wins, what each type takes, and what every refusal says.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/files.h"
#include "config/config.h"

enum { WORDS_MAX = 8 };

struct loaded {
    struct gs_arena *arena;
    struct gs_config config;
    struct gs_error err;
    enum gs_status status;
};

static void load(struct loaded *loaded, const char *const *flags, const char *const *environ)
{
    int count = 0;
    while (flags && flags[count])
        count++;
    *loaded = (struct loaded){.arena = gs_arena_new()};
    // main() hands over writable strings, which nobody writes to.
    const char *const nothing[] = {NULL};
    loaded->status = gs_config_load(count, (char *const *)(flags ? flags : nothing),
                                    (char *const *)(environ ? environ : nothing), loaded->arena,
                                    &loaded->config, &loaded->err);
}

static void release(struct loaded *loaded)
{
    gs_error_release(&loaded->err);
    gs_arena_free(loaded->arena);
}

#define WORDS(...) ((const char *const[WORDS_MAX]){__VA_ARGS__})

static void assert_refused(const char *const *flags, const char *const *environ,
                           const char *message)
{
    struct loaded loaded;
    load(&loaded, flags, environ);
    assert_int_equal(loaded.status, GS_INVALID);
    assert_int_equal(loaded.err.code, GS_CODE_CONFIG_INVALID);
    assert_string_equal(loaded.err.message, message);
    release(&loaded);
}

static void defaults_are_what_the_table_says(void **state)
{
    (void)state;
    struct loaded loaded;
    load(&loaded, NULL, NULL);
    assert_int_equal(loaded.status, GS_OK);
    assert_string_equal(loaded.config.listen, "127.0.0.1:8080");
    assert_int_equal(loaded.config.body_limit, 64 << 20);
    assert_int_equal(loaded.config.git_timeout_ms, 60000);
    assert_false(loaded.config.allow_loopback_hosts);
    assert_null(loaded.config.ca_file);
    assert_null(loaded.config.master_key);
    release(&loaded);
}

static void flags_win_over_variables_over_the_file(void **state)
{
    const char *path = *state;
    char config[256];
    struct gs_slice text = GS_SLICE_LIT("; a comment\nlisten = 127.0.0.1:1\ngit_timeout = 5s\n"
                                        "data = /from/file\n");
    assert_int_equal(gs_file_write(path, text, 0600, NULL), GS_OK);
    snprintf(config, sizeof config, "--config=%s", path);
    struct loaded loaded;
    load(&loaded, WORDS(config, "--listen", "127.0.0.1:3"),
         WORDS("GITSYNC_LISTEN=127.0.0.1:2", "GITSYNC_GIT_TIMEOUT=7s", "HOME=/"));
    assert_int_equal(loaded.status, GS_OK);
    assert_string_equal(loaded.config.listen, "127.0.0.1:3");
    assert_int_equal(loaded.config.git_timeout_ms, 7000);
    assert_string_equal(loaded.config.data, "/from/file");
    release(&loaded);
}

static void each_type_takes_its_forms(void **state)
{
    (void)state;
    struct loaded loaded;
    load(&loaded, WORDS("--body-limit=2 MB", "--idle-timeout=1500ms", "--allow-loopback-hosts"),
         WORDS("LOCKBOX_MASTER_KEY=abc", "GITSYNC_MAX_CONNECTIONS=7", "GITSYNC_LOG_LEVEL=warn"));
    assert_int_equal(loaded.status, GS_OK);
    assert_int_equal(loaded.config.body_limit, 2 << 20);
    assert_int_equal(loaded.config.idle_timeout_ms, 1500);
    assert_int_equal(loaded.config.max_connections, 7);
    assert_string_equal(loaded.config.log_level, "warn");
    assert_string_equal(loaded.config.master_key, "abc");
    assert_true(loaded.config.allow_loopback_hosts);
    release(&loaded);
    load(&loaded, WORDS("--allow-loopback-hosts=off"), WORDS("GITSYNC_CA_FILE="));
    assert_int_equal(loaded.status, GS_OK);
    assert_false(loaded.config.allow_loopback_hosts);
    assert_null(loaded.config.ca_file);
    release(&loaded);
}

static void bad_flags_are_told(void **state)
{
    (void)state;
    assert_refused(WORDS("--lisen=x"), NULL,
                   "there is no flag --lisen; gitsync serve --help lists them");
    assert_refused(WORDS("--lisen"), NULL,
                   "there is no flag --lisen; gitsync serve --help lists them");
    assert_refused(WORDS("serve"), NULL, "'serve' is not a flag; gitsync serve --help lists them");
    assert_refused(WORDS("--listen"), NULL, "the flag --listen needs a value");
    assert_refused(WORDS("--body-limit=many"), NULL,
                   "the flag --body-limit: body_limit is 'many', but must be a size such as 64M "
                   "(K, M, G)");
    assert_refused(WORDS("--git-timeout=1"), NULL,
                   "the flag --git-timeout: git_timeout is '1', but must be a time such as 30s "
                   "(ms, s, m, h)");
    assert_refused(WORDS("--git-timeout=1ms"), NULL,
                   "the flag --git-timeout: git_timeout is '1ms', but must be from 100 to 3600000 "
                   "ms");
    assert_refused(WORDS("--body-limit=99999999999999999999G"), NULL,
                   "the flag --body-limit: body_limit is '99999999999999999999G', but must be a "
                   "size such as 64M (K, M, G)");
    assert_refused(WORDS("--log-level=loud"), NULL,
                   "the flag --log-level: log_level is 'loud', but must be debug, info, warn or "
                   "error");
    assert_refused(WORDS("--tls-cert=/dev/null"), NULL,
                   "tls_cert and tls_key go together; one of them is missing");
}

static void secrets_are_not_taken_from_flags_and_never_repeated(void **state)
{
    (void)state;
    assert_refused(WORDS("--lockbox-master-key=hush"), NULL,
                   "--lockbox-master-key would show the secret in the process list; use the "
                   "variable LOCKBOX_MASTER_KEY or --lockbox-master-key-file");
}

static void bad_variables_are_told(void **state)
{
    (void)state;
    assert_refused(NULL, WORDS("GITSYNC_LISEN=x"),
                   "the variable GITSYNC_LISEN names no setting; gitsync serve --help lists them");
    assert_refused(
        NULL, WORDS("GITSYNC_ALLOW_LOOPBACK_HOSTS=maybe"),
        "the variable GITSYNC_ALLOW_LOOPBACK_HOSTS: allow_loopback_hosts is 'maybe', but "
        "must be true or false");
}

static void bad_files_are_told_with_their_line(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"listen = :1\n\nlisen = y\n",
         "line 3 of %s: there is no setting 'lisen'; gitsync serve --help lists them"},
        {"[server]\nlisten = :1\n",
         "line 2 of %s: the section [server] is not known; settings stand without one"},
        {"listen = :1\nnonsense\nlisen = y\n",
         "line 2 of %s: not of the form key = value (lines have at most 200 bytes)"},
        {"body_limit = 1\n",
         "line 1 of %s: body_limit is '1', but must be from 1024 to 1073741824 bytes"},
        {"listen =\n", "line 1 of %s: listen is empty"},
        {"\nlisten = 127.0.0.1\n",
         "line 2 of %s: listen is '127.0.0.1': the port is missing, write host:port"},
        {"listen = 127.0.0.1:99999\n", "line 1 of %s: listen is '127.0.0.1:99999': the port is not "
                                       "a number from 0 to 65535"},
        {"listen = ::1:8080\n", "line 1 of %s: listen is '::1:8080': write an IPv6 address in "
                                "brackets, [::1]:8080"},
        {"ca_file = /nowhere.pem\n",
         "line 1 of %s: cannot read ca_file /nowhere.pem: No such file or directory"},
        {"listen = :1\ndata = x\n\nlisten = :1\n",
         "line 4 of %s: listen stands in line 1 already; keep one of them"},
    };
    const char *path = *state;
    for (size_t i = 0; i < GS_COUNT(rows); i++) {
        char expected[512], config[256];
        assert_int_equal(gs_file_write(path, gs_slice_str(rows[i].text), 0600, NULL), GS_OK);
        const char *at = strstr(rows[i].message, "%s");
        snprintf(expected, sizeof expected, "%.*s%s%s", (int)(at - rows[i].message),
                 rows[i].message, path, at + 2);
        snprintf(config, sizeof config, "GITSYNC_CONFIG=%s", path);
        assert_refused(NULL, WORDS(config), expected);
    }
    assert_refused(
        WORDS("--config", "/nowhere/gitsync.conf"), NULL,
        "cannot read the settings file /nowhere/gitsync.conf: No such file or directory");
}

static void help_and_reference_have_every_setting(void **state)
{
    (void)state;
    struct gs_buf help, reference;
    gs_buf_init(&help, 1 << 20);
    gs_buf_init(&reference, 1 << 20);
    gs_config_write_help(&help);
    gs_config_write_reference(&reference);
    assert_non_null(strstr(help.data, "--git-timeout TIME"));
    assert_non_null(strstr(help.data, "GITSYNC_GIT_TIMEOUT; default 60s"));
    assert_non_null(strstr(help.data, "LOCKBOX_MASTER_KEY"));
    assert_null(strstr(help.data, "--lockbox-master-key \n"));
    assert_non_null(strstr(reference.data, "| `git_timeout` | `GITSYNC_GIT_TIMEOUT` | `60s` |"));
    gs_buf_release(&help);
    gs_buf_release(&reference);
}

static int make_path(void **state)
{
    static char path[] = "/tmp/gitsync-config-XXXXXX";
    int fd = mkstemp(path);
    *state = path;
    return fd < 0 || close(fd) != 0;
}

static int remove_path(void **state)
{
    return unlink(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_what_the_table_says),
        cmocka_unit_test(flags_win_over_variables_over_the_file),
        cmocka_unit_test(each_type_takes_its_forms),
        cmocka_unit_test(bad_flags_are_told),
        cmocka_unit_test(secrets_are_not_taken_from_flags_and_never_repeated),
        cmocka_unit_test(bad_variables_are_told),
        cmocka_unit_test(bad_files_are_told_with_their_line),
        cmocka_unit_test(help_and_reference_have_every_setting),
    };
    return cmocka_run_group_tests_name("config", tests, make_path, remove_path);
}
