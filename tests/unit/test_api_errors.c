// Errors as responses: when a caller is asked to come again, and when not.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/api_internal.h"
#include "base/log.h"
#include "http_rig.h"

static struct rig_response render(struct rig *rig, enum gs_code code, long retry_after_s)
{
    struct rig_response response;
    struct gs_error err = GS_ERROR_INIT;
    (void)gs_fail(&err, code, NULL, "a cause");
    err.retry_after_s = retry_after_s;
    int fd = rig_dial(rig);
    assert_true(rig_send(fd, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_true(rig_wait_held(rig, 1));
    struct gs_http_exchange *exchange = rig_take_one(rig);
    gs_api_render_error(exchange, &err);
    gs_http_reply(exchange);
    assert_true(rig_read(fd, &response));
    close(fd);
    gs_error_release(&err);
    assert_int_equal(response.status, gs_code_http(code));
    return response;
}

static void every_503_tells_when_to_come_again(void **state)
{
    (void)state;
    struct gs_http_options options = rig_options();
    struct rig *rig = rig_start(&options);
    for (int code = GS_CODE_NONE + 1; code < GS_CODE_COUNT; code++) {
        struct rig_response response = render(rig, (enum gs_code)code, 0);
        const char *advice = rig_header(&response, "Retry-After");
        if (response.status == 503)
            assert_string_equal(advice, "5");
        else
            assert_null(advice);
    }
    struct rig_response response = render(rig, GS_CODE_RATE_LIMITED, 17);
    assert_string_equal(rig_header(&response, "Retry-After"), "17");
    rig_stop(rig);
}

int main(void)
{
    gs_log_set_level(GS_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_503_tells_when_to_come_again),
    };
    return cmocka_run_group_tests_name("api_errors", tests, NULL, NULL);
}
