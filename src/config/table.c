// The table of settings. To add one: a member in struct gs_config and a row here.
// SPDX-License-Identifier: Apache-2.0
#include "config/config_internal.h"

#define AT(member) offsetof(struct gs_config, member)
#define KB (INT64_C(1) << 10)
#define MB (INT64_C(1) << 20)
#define GB (INT64_C(1) << 30)
#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define YEAR (8760 * HOUR)

const struct gs_setting gs_settings[] = {
    {"listen", GS_SETTING_ADDRESS, AT(listen), "127.0.0.1:8080", 0, 0, NULL,
     "address and port to serve on; port 0 picks a free one"},
    {"data", GS_SETTING_TEXT, AT(data), "gitsync-data", 0, 0, NULL,
     "folder of the database, the mirrors and the key file; made when missing"},
    {"ca_file", GS_SETTING_FILE, AT(ca_file), NULL, 0, 0, NULL,
     "PEM file of the certificate authorities that git hosts are checked against, instead of the "
     "system's"},
    {"tls_cert", GS_SETTING_FILE, AT(tls_cert), NULL, 0, 0, NULL,
     "PEM file of the server's certificate chain; with tls_key the server speaks HTTPS"},
    {"tls_key", GS_SETTING_FILE, AT(tls_key), NULL, 0, 0, NULL,
     "PEM file of the certificate's private key"},
    {"log_level", GS_SETTING_LEVEL, AT(log_level), "info", 0, 0, NULL,
     "least severe lines to log: debug, info, warn or error"},
    {"external_api_access_token", GS_SETTING_SECRET, AT(access_token), NULL, 0, 0,
     "EXTERNAL_API_ACCESS_TOKEN",
     "the admin's access token; without it the first start makes one and prints it once"},
    {"external_api_access_token_file", GS_SETTING_FILE, AT(access_token_file), NULL, 0, 0, NULL,
     "file that holds the admin's access token"},
    {"lockbox_master_key", GS_SETTING_SECRET, AT(master_key), NULL, 0, 0, "LOCKBOX_MASTER_KEY",
     "64 hexadecimal digits; seals the git credentials in the database; without it the first "
     "start makes a key file in the data folder"},
    {"lockbox_master_key_file", GS_SETTING_FILE, AT(master_key_file), NULL, 0, 0, NULL,
     "file that holds the master key"},
    {"allow_loopback_hosts", GS_SETTING_BOOL, AT(allow_loopback_hosts), "false", 0, 0, NULL,
     "let git hosts be on loopback and link-local addresses; only for trials and tests"},
    {"body_limit", GS_SETTING_SIZE, AT(body_limit), "64M", 1 * KB, 1 * GB, NULL,
     "largest request body"},
    {"body_total_limit", GS_SETTING_SIZE, AT(body_total_limit), "512M", 1 * KB, 64 * GB, NULL,
     "memory for all request bodies at one time"},
    {"document_limit", GS_SETTING_SIZE, AT(document_limit), "64M", 1 * KB, 100 * MB, NULL,
     "largest app document taken from git; git hosts refuse files over 100 MB"},
    {"pack_limit", GS_SETTING_SIZE, AT(pack_limit), "2G", 1 * MB, 64 * GB, NULL,
     "largest pack of objects taken from a git host in one fetch"},
    {"mirror_limit", GS_SETTING_SIZE, AT(mirror_limit), "10G", 64 * KB, 1024 * GB, NULL,
     "disk space for the mirrors of all repositories; those unused for longest are removed, and "
     "fetched again when they are needed"},
    {"mirrors_open", GS_SETTING_COUNT, AT(mirrors_open), "128", 1, 100000, NULL,
     "mirrors that stay open between calls"},
    {"git_timeout", GS_SETTING_DURATION, AT(git_timeout_ms), "60s", 100, 1 * HOUR, NULL,
     "time in which a call must have finished its exchanges with the git host"},
    {"connect_timeout", GS_SETTING_DURATION, AT(connect_timeout_ms), "10s", 100, 120 * SECOND, NULL,
     "time to reach a git host: name look-up, connection and TLS"},
    {"breaker_failures", GS_SETTING_COUNT, AT(breaker_failures), "5", 0, 1000, NULL,
     "failures in a row (unreachable, no answer in time, 5xx) after which a git host is not asked "
     "for a while and calls get 503 at once; 0 for never"},
    {"breaker_pause", GS_SETTING_DURATION, AT(breaker_pause_ms), "30s", 100, 1 * HOUR, NULL,
     "longest such while; it begins with a second and doubles while the host keeps failing"},
    {"header_timeout", GS_SETTING_DURATION, AT(header_timeout_ms), "10s", 100, 1 * HOUR, NULL,
     "time in which the headers of a request must have arrived"},
    {"body_timeout", GS_SETTING_DURATION, AT(body_timeout_ms), "60s", 100, 1 * HOUR, NULL,
     "time in which the body of a request must have arrived"},
    {"idle_timeout", GS_SETTING_DURATION, AT(idle_timeout_ms), "60s", 1 * SECOND, 1 * HOUR, NULL,
     "time after which a connection without a request is closed"},
    {"stop_timeout", GS_SETTING_DURATION, AT(stop_timeout_ms), "9s", 100, 1 * HOUR, NULL,
     "time that calls in flight get to finish when the server is told to stop"},
    {"idempotency_ttl", GS_SETTING_DURATION, AT(idempotency_ttl_ms), "24h", 1 * SECOND, 720 * HOUR,
     NULL, "time for which the answer to a call with an Idempotency-Key is kept"},
    {"operation_ttl", GS_SETTING_DURATION, AT(operation_ttl_ms), "8760h", 0, 100 * YEAR, NULL,
     "time for which operations that have ended are kept, and the documents that they and edits "
     "replaced; 0s for ever"},
    {"release_ttl", GS_SETTING_DURATION, AT(release_ttl_ms), "0s", 0, 100 * YEAR, NULL,
     "time for which releases are kept that are not an app's newest one; 0s for ever"},
    {"max_connections", GS_SETTING_COUNT, AT(max_connections), "1000", 1, 100000, NULL,
     "connections open at one time"},
    {"max_connections_per_ip", GS_SETTING_COUNT, AT(max_connections_per_ip), "0", 0, 100000, NULL,
     "connections open at one time from one address; 0 for no bound (a reverse proxy is one "
     "address)"},
    {"http_threads", GS_SETTING_COUNT, AT(http_threads), "2", 1, 64, NULL,
     "threads that read requests and write responses"},
    {"api_workers", GS_SETTING_COUNT, AT(api_workers), "4", 1, 64, NULL,
     "threads that parse documents and work on the database"},
    {"git_workers", GS_SETTING_COUNT, AT(git_workers), "16", 1, 256, NULL,
     "repositories that are worked on at one time"},
    {"git_workers_per_host", GS_SETTING_COUNT, AT(git_workers_per_host), "0", 0, 256, NULL,
     "of these, how many may work with one git host, so that a host that hangs leaves some to the "
     "others; 0 for three quarters"},
    {"queue_limit", GS_SETTING_COUNT, AT(queue_limit), "10000", 1, 1000000, NULL,
     "calls that may wait for their turn; more are answered with 503"},
};
const size_t gs_settings_count = GS_COUNT(gs_settings);

const struct gs_setting *gs_setting_find(struct gs_slice key)
{
    for (size_t i = 0; i < gs_settings_count; i++)
        if (gs_slice_eq_str(key, gs_settings[i].key))
            return &gs_settings[i];
    return NULL;
}
