// A client that may use loopback, and requests of it to the scripted server. For the programs that test the client.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_TESTS_NET_FIXTURE_H
#define GS_TESTS_NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loopback.h"
#include "net/net.h"

static struct gs_net *net;

static int set_up(void **state)
{
    struct gs_net_options options = {.allow_loopback = true,
                                     .user_agent = "gitsync/test",
                                     .connect_timeout_ms = 5000,
                                     .max_idle = 4};
    struct gs_error err = GS_ERROR_INIT;
    (void)state;
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(gs_net_new(&options, &net, &err), GS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gs_net_free(net);
    return 0;
}

static char url[128];

static struct gs_net_request request_to(const struct loopback *server, const char *method)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d/path?query=1", loopback_port(server));
    return (struct gs_net_request){.method = method,
                                   .url = url,
                                   .deadline_ms = gs_clock_mono_ms() + 10000,
                                   .max_response = 1 << 20};
}

static struct gs_net_response perform(const struct gs_net_request *request)
{
    struct gs_net_response response;
    struct gs_error err = GS_ERROR_INIT;
    if (gs_net_perform(net, request, &response, &err) != GS_OK)
        fail_msg("%s", err.message);
    return response;
}

#endif
