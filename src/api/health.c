// What stands beside the API: liveness, readiness, metrics, the description of the API.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"
#include "base/clock.h"
#include "base/version.h"

enum { READY_MS = 1000 };

enum gs_status gs_health_alive(struct call *call, struct gs_error *err)
{
    (void)err;
    yyjson_mut_val *root = gs_call_answer(call);
    gs_json_add_cstr(call->answer, root, "status", "ok");
    gs_json_add_cstr(call->answer, root, "version", GS_VERSION);
    return GS_OK;
}

// The check writes to the disk, and whoever asks needs no token: one answer serves everybody for a second.
static enum gs_status check_store(struct gs_api *api, struct gs_error *err)
{
    int64_t now = gs_clock_mono_ms();
    if (now < atomic_load(&api->ready_until_ms))
        return GS_OK;
    enum gs_status status = gs_store_check(api->options.store, err);
    if (status == GS_OK)
        atomic_store(&api->ready_until_ms, now + READY_MS);
    return status;
}

enum gs_status gs_health_ready(struct call *call, struct gs_error *err)
{
    enum gs_status status = check_store(call->api, err);
    if (status != GS_OK)
        return status;
    yyjson_mut_val *root = gs_call_answer(call);
    gs_json_add_cstr(call->answer, root, "status", "ready");
    return GS_OK;
}

static void write_metric(struct gs_buf *out, const char *name, const char *type, const char *help,
                         uint64_t value)
{
    gs_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
                  (unsigned long long)value);
}

// What an origin may consist of needs no escaping in a label, but for what a stranger's address might have in it.
static void write_sample(struct gs_buf *out, const char *name, const char *origin, unsigned value)
{
    gs_buf_printf(out, "%s{origin=\"", name);
    for (const char *p = origin; *p; p++)
        gs_buf_append_char(out, *p == '"' || *p == '\\' ? '?' : *p);
    gs_buf_printf(out, "\"} %u\n", value);
}

static void write_failures(void *out, const struct gs_net_failing *failing)
{
    write_sample(out, "gitsync_git_host_failures", failing->origin, failing->failures);
}

static void write_pause(void *out, const struct gs_net_failing *failing)
{
    write_sample(out, "gitsync_git_host_paused", failing->origin,
                 failing->state == GS_NET_HOST_PAUSED);
}

static void write_hosts(struct gs_net *net, struct gs_buf *out)
{
    gs_buf_append_str(out, "# HELP gitsync_git_host_failures failures in a row of a git host\n"
                           "# TYPE gitsync_git_host_failures gauge\n");
    gs_net_list_failing(net, write_failures, out);
    gs_buf_append_str(out, "# HELP gitsync_git_host_paused whether it is not asked for a while\n"
                           "# TYPE gitsync_git_host_paused gauge\n");
    gs_net_list_failing(net, write_pause, out);
}

static void write_sync(struct gs_sync *sync, struct gs_buf *out)
{
    struct gs_sync_counts counts;
    gs_sync_count(sync, &counts);
    write_metric(out, "gitsync_sync_waiting", "gauge", "calls that wait for their repository",
                 counts.waiting);
    write_metric(out, "gitsync_sync_running", "gauge", "repositories that are worked on",
                 counts.running);
    write_metric(out, "gitsync_sync_parked", "gauge",
                 "repositories that wait for a moment their host named, or to ask it again",
                 counts.parked);
    write_metric(out, "gitsync_sync_unsettled", "gauge",
                 "pushes of which is not known whether they arrived", counts.unsettled);
    write_metric(out, "gitsync_mirrors", "gauge", "mirrors of repositories on disk",
                 counts.mirrors);
    write_metric(out, "gitsync_mirror_bytes", "gauge", "disk space of the mirrors",
                 counts.mirror_bytes);
}

// Prometheus' text format 0.0.4.
enum gs_status gs_health_metrics(struct call *call, struct gs_error *err)
{
    struct gs_api *api = call->api;
    struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    struct gs_http_counts counts = {0};
    if (api->server)
        gs_http_counts(api->server, &counts);
    gs_buf_append_str(&out, "# HELP gitsync_build_info the running version\n"
                            "# TYPE gitsync_build_info gauge\n"
                            "gitsync_build_info{version=\"" GS_VERSION "\"} 1\n");
    gs_buf_append_str(&out, "# HELP gitsync_http_responses_total answered requests\n"
                            "# TYPE gitsync_http_responses_total counter\n");
    for (int class = 1; class < STATUS_CLASSES; class ++)
        gs_buf_printf(
            &out, "gitsync_http_responses_total{class=\"%dxx\"} %llu\n", class,
            (unsigned long long)atomic_load_explicit(&api->answered[class], memory_order_relaxed));
    write_metric(&out, "gitsync_http_in_flight", "gauge", "requests without an answer yet",
                 counts.in_flight);
    write_metric(&out, "gitsync_http_connections", "gauge", "open connections", counts.connections);
    write_sync(api->options.sync, &out);
    write_hosts(api->options.net, &out);
    write_metric(&out, "gitsync_uptime_seconds", "gauge", "seconds since the start",
                 (uint64_t)(gs_clock_mono_ms() - api->started_ms) / 1000);
    enum gs_status status = gs_buf_check(&out, "the metrics", err);
    if (status == GS_OK)
        gs_http_respond(call->exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
    gs_buf_release(&out);
    return status;
}

enum gs_status gs_health_openapi(struct call *call, struct gs_error *err)
{
    return gs_api_write_openapi(&call->raw, err);
}
