// The route table. A row is all there is to say about a call: where it is, how it runs, what it takes and what it means.
// SPDX-License-Identifier: Apache-2.0
#include "api/api_internal.h"

#define BASE "/api/ext"
#define LATER GS_HTTP_LATER
#define LATER_BODY (GS_HTTP_LATER | GS_HTTP_BODY)
#define PLANNED (LATER_BODY | ROUTE_PLANNED)
#define OPERATION (PLANNED | ROUTE_ASYNC)
#define OPEN GS_HTTP_PUBLIC

#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\"}"
#define GIT_MEMBERS                                                                                \
    "\"properties\":{"                                                                             \
    "\"organizationId\":{\"type\":\"string\",\"format\":\"uuid\"},\"gitUrl\":" TEXT                \
    ",\"branchName\":" TEXT ",\"githubAppId\":" TEXT ",\"githubAppInstallationId\":" TEXT          \
    ",\"githubAppPrivateKey\":" TEXT ",\"githubEnterpriseUrl\":" TEXT                              \
    ",\"githubEnterpriseApiUrl\":" TEXT                                                            \
    ",\"layout\":{\"enum\":[\"single-file\",\"per-entity\"]},\"commitAuthor\":{"                   \
    "\"type\":\"object\",\"properties\":{\"name\":" TEXT ",\"email\":" TEXT                        \
    "}},\"isEnabled\":" FLAG ",\"allowSecrets\":" FLAG ",\"tag\":" FLAG "}}"
#define GIT_CONFIG                                                                                 \
    "{\"type\":\"object\",\"required\":[\"organizationId\",\"gitUrl\",\"branchName\","             \
    "\"githubAppId\",\"githubAppInstallationId\",\"githubAppPrivateKey\"]," GIT_MEMBERS
#define GIT_TEST "{\"type\":\"object\",\"required\":[\"organizationId\"]," GIT_MEMBERS
#define CONVERT                                                                                    \
    "{\"type\":\"object\",\"required\":[\"organizationId\",\"layout\"],\"properties\":{"           \
    "\"organizationId\":{\"type\":\"string\",\"format\":\"uuid\"},\"layout\":{"                    \
    "\"enum\":[\"single-file\",\"per-entity\"]},\"commitMessage\":{\"type\":\"string\","           \
    "\"minLength\":1,\"maxLength\":65536}}}"
#define PUSH                                                                                       \
    "{\"type\":\"object\",\"required\":[\"commitMessage\"],\"properties\":{\"commitMessage\":{"    \
    "\"type\":\"string\",\"minLength\":1,\"maxLength\":65536},\"onConflict\":{"                    \
    "\"enum\":[\"fail\",\"ours\",\"merge\"]},\"allowSecrets\":" FLAG "}}"
#define CREATE                                                                                     \
    "{\"type\":\"object\",\"required\":[\"organizationId\"],\"properties\":{"                      \
    "\"organizationId\":{\"type\":\"string\",\"format\":\"uuid\"},\"gitAppId\":" TEXT              \
    ",\"gitAppName\":" TEXT ",\"gitVersionId\":" TEXT ",\"gitBranchName\":" TEXT "}}"
#define RELEASE "{\"type\":\"object\",\"properties\":{\"versionId\":" TEXT "}}"
#define PUSH_ALL                                                                                   \
    "{\"type\":\"object\",\"required\":[\"commitMessage\"],\"properties\":{\"commitMessage\":{"    \
    "\"type\":\"string\",\"minLength\":1,\"maxLength\":65536},\"commitPerApp\":{"                  \
    "\"type\":\"boolean\"},\"continueOnError\":{\"type\":\"boolean\"},\"onConflict\":{"            \
    "\"enum\":[\"fail\",\"ours\",\"merge\"]},\"allowSecrets\":" FLAG "}}"
#define PULL_ALL                                                                                   \
    "{\"type\":\"object\",\"properties\":{\"continueOnError\":{\"type\":\"boolean\"},"             \
    "\"onConflict\":{\"enum\":[\"fail\",\"ours\",\"theirs\"]},\"maxDeletions\":{"                  \
    "\"type\":[\"integer\",\"string\"]}}}"
#define ROLLBACK                                                                                   \
    "{\"type\":\"object\",\"properties\":{\"commit\":{\"type\":\"string\",\"pattern\":"            \
    "\"^[0-9a-fA-F]{40}$\"},\"operationId\":{\"type\":\"string\",\"format\":\"uuid\"},\"push\":{"  \
    "\"type\":\"boolean\"},\"commitMessage\":{\"type\":\"string\",\"minLength\":1,"                \
    "\"maxLength\":65536},\"onConflict\":{\"enum\":[\"fail\",\"ours\"]},\"allowSecrets\":" FLAG    \
    "}}"
#define SAVE                                                                                       \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":25}}}"
#define RENAME                                                                                     \
    "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\","  \
    "\"minLength\":1,\"maxLength\":255}}}"
#define WORKSPACE                                                                                  \
    "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"id\":{\"type\":\"string\","    \
    "\"format\":\"uuid\"},\"name\":" TEXT "}}"
#define CONSTANTS                                                                                  \
    "{\"type\":\"object\",\"required\":[\"constants\"],\"properties\":{\"constants\":{\"type\":"   \
    "\"array\",\"maxItems\":1000,\"items\":{\"type\":\"object\",\"required\":[\"name\"],"          \
    "\"properties\":{\"name\":" TEXT ",\"kind\":{\"enum\":[\"constant\",\"secret\"]},"             \
    "\"values\":{\"type\":\"object\"},\"environments\":{\"type\":\"array\"}}}}}}"
#define EXPORT                                                                                     \
    "{\"type\":\"object\",\"required\":[\"app\"],\"properties\":{\"app\":{\"type\":\"array\","     \
    "\"minItems\":1,\"maxItems\":1},\"tooljet_version\":" TEXT ",\"appName\":" TEXT "}}"

#define ORGANIZATION_GIT(path)                                                                     \
    {"POST",                                                                                       \
     BASE path,                                                                                    \
     LATER_BODY,                                                                                   \
     ROUTE_SYNC,                                                                                   \
     201,                                                                                          \
     gs_git_config_put,                                                                            \
     "associate an organization with a repository; tested before it is saved",                     \
     NULL,                                                                                         \
     GIT_CONFIG},                                                                                  \
        {"GET",                                                                                    \
         BASE path,                                                                                \
         0,                                                                                        \
         ROUTE_AT_ONCE,                                                                            \
         200,                                                                                      \
         gs_git_config_get,                                                                        \
         "the git configuration of an organization, without its key",                              \
         "organizationId!",                                                                        \
         NULL},                                                                                    \
        {"DELETE",                                                                                 \
         BASE path,                                                                                \
         LATER,                                                                                    \
         ROUTE_WORKER,                                                                             \
         204,                                                                                      \
         gs_git_config_delete,                                                                     \
         "forget the git configuration; nothing changes in git",                                   \
         "organizationId!",                                                                        \
         NULL},                                                                                    \
    {                                                                                              \
        "POST", BASE path "/test", LATER_BODY, ROUTE_SYNC, 200, gs_git_config_test,                \
            "check a git configuration step by step, or with organizationId alone the stored "     \
            "one; saves nothing",                                                                  \
            NULL, GIT_TEST                                                                         \
    }

const struct api_route gs_api_table[] = {
    ORGANIZATION_GIT("/organization/git"),
    ORGANIZATION_GIT("/organizations/git"),
    {"GET", BASE "/organization/git/apps", LATER, ROUTE_SYNC, 200, gs_git_apps,
     "the apps, modules and versions that a branch, tag or commit of the repository holds",
     "organizationId! ref limit cursor refresh", NULL},
    {"GET", BASE "/organization/git/check", LATER, ROUTE_SYNC, 200, gs_git_check,
     "everything odd in what a branch, tag or commit holds", "organizationId! ref refresh", NULL},
    {"POST", BASE "/organization/git/convert", PLANNED, ROUTE_SYNC, 200, gs_git_convert,
     "change the branch over to another layout in one commit", "dryRun", CONVERT},
    {"POST", BASE "/apps/:appId/versions/:versionId/git-sync/push", OPERATION, ROUTE_SYNC, 200,
     gs_version_push, "push a version to git", "dryRun diff", PUSH},
    {"POST", BASE "/apps", OPERATION, ROUTE_SYNC, 201, gs_app_create, "create an app from git",
     "createMode! dryRun diff", CREATE},
    {"PUT", BASE "/apps/:appId", OPERATION, ROUTE_SYNC, 200, gs_app_pull,
     "pull changes from git into an app", "createMode! ref onConflict maxDeletions dryRun diff",
     "{\"type\":\"object\"}"},
    {"POST", BASE "/apps/:appId/promote", OPERATION, ROUTE_SYNC, 200, gs_app_promote,
     "pull, then put the latest version into production and release it",
     "onConflict maxDeletions dryRun diff", "{\"type\":\"object\"}"},
    {"POST", BASE "/apps/:appIdOrSlug/git-sync/release", OPERATION, ROUTE_SYNC, 201, gs_app_release,
     "the same as promote, or release a given version", "onConflict maxDeletions dryRun diff",
     RELEASE},
    {"GET", BASE "/apps/:appId/git-sync", LATER, ROUTE_SYNC, 200, gs_app_status,
     "how an app stands to git: in_sync, ahead, behind, diverged, conflicted or not_linked",
     "refresh", NULL},
    {"GET", BASE "/workspace/:workspaceId/git-sync", LATER, ROUTE_SYNC, 200, gs_workspace_status,
     "how all apps of a workspace stand to git", "refresh", NULL},
    {"GET", BASE "/organization/:workspaceId/git-sync", LATER, ROUTE_SYNC, 200, gs_workspace_status,
     "the same under its other name", "refresh", NULL},
    {"GET", BASE "/apps/:appId/history", LATER, ROUTE_SYNC, 200, gs_app_history,
     "the commits that changed an app, newest first", "limit cursor refresh", NULL},
    {"POST", BASE "/organization/:organizationId/git-sync/push", LATER_BODY, ROUTE_SYNC, 200,
     gs_organization_push, "push the latest version of every app of an organization", "dryRun",
     PUSH_ALL},
    {"POST", BASE "/organization/:organizationId/git-sync/pull", LATER_BODY, ROUTE_SYNC, 200,
     gs_organization_pull, "pull into every linked app of an organization", "dryRun", PULL_ALL},
    {"POST", BASE "/apps/:appId/rollback", OPERATION, ROUTE_SYNC, 200, gs_app_rollback,
     "give an app the document of a commit, or from before an operation, back", "dryRun diff",
     ROLLBACK},
    {"GET", BASE "/apps/:appId/releases", 0, ROUTE_AT_ONCE, 200, gs_app_releases,
     "what was released of an app, newest first", "limit", NULL},
    {"POST", BASE "/apps/:appId/releases/:releaseId/restore", PLANNED, ROUTE_SYNC, 200,
     gs_release_restore, "release again what a release of the past was", "dryRun",
     "{\"type\":\"object\"}"},
    {"GET", BASE "/apps/:appId", 0, ROUTE_AT_ONCE, 200, gs_app_get, "an app and its versions", NULL,
     NULL},
    {"PATCH", BASE "/apps/:appId", LATER_BODY, ROUTE_WORKER, 200, gs_app_rename,
     "rename an app; the next push moves its files in git", NULL, RENAME},
    {"DELETE", BASE "/apps/:appId", LATER, ROUTE_WORKER, 204, gs_app_delete,
     "delete an app here; git keeps it", NULL, NULL},
    {"GET", BASE "/apps/:appId/versions", 0, ROUTE_AT_ONCE, 200, gs_app_versions,
     "the versions of an app, latest first", NULL, NULL},
    {"POST", BASE "/apps/:appId/versions/save", LATER_BODY, ROUTE_SYNC, 201, gs_version_save,
     "save the latest version, so that it takes no new documents", NULL, SAVE},
    {"GET", BASE "/apps/:appId/versions/:versionId", LATER, ROUTE_WORKER, 200, gs_version_get,
     "a version with its document", NULL, NULL},
    {"PUT", BASE "/apps/:appId/versions/:versionId", LATER_BODY, ROUTE_WORKER, 200, gs_version_put,
     "put a new document into a draft", NULL, EXPORT},
    {"GET", BASE "/workspaces", 0, ROUTE_AT_ONCE, 200, gs_workspace_list,
     "the workspaces (organizations) of this server", NULL, NULL},
    {"POST", BASE "/workspaces", LATER_BODY, ROUTE_WORKER, 201, gs_workspace_create,
     "make a workspace", NULL, WORKSPACE},
    {"GET", BASE "/workspace/:workspaceId/apps", 0, ROUTE_AT_ONCE, 200, gs_workspace_apps,
     "the apps of a workspace", NULL, NULL},
    {"GET", BASE "/workspace/:workspaceId/environments", 0, ROUTE_AT_ONCE, 200,
     gs_workspace_environments, "the environments of a workspace, by priority", NULL, NULL},
    {"GET", BASE "/organization/:organizationId/constants", 0, ROUTE_AT_ONCE, 200, gs_constants_get,
     "the constants and secrets that an organization has, by environment", NULL, NULL},
    {"PUT", BASE "/organization/:organizationId/constants", LATER_BODY, ROUTE_WORKER, 200,
     gs_constants_put, "tell which constants and secrets an organization has; no value of a secret",
     NULL, CONSTANTS},
    {"POST", BASE "/import/workspace/:workspaceId/apps", LATER_BODY, ROUTE_WORKER, 201,
     gs_app_import, "import an app from an export", NULL, EXPORT},
    {"POST", BASE "/export/workspace/:workspaceId/apps/:appId", LATER_BODY, ROUTE_WORKER, 201,
     gs_app_export, "export a version, or all of them", "appVersion exportAllVersions",
     "{\"type\":\"object\"}"},
    {"GET", BASE "/operations", 0, ROUTE_AT_ONCE, 200, gs_operation_list,
     "pushes, creations, pulls and promotions, newest first",
     "organizationId appId state limit cursor", NULL},
    {"GET", BASE "/operations/:operationId", 0, ROUTE_AT_ONCE, 200, gs_operation_get,
     "one operation", NULL, NULL},
    {"GET", BASE "/operations/:operationId/events", LATER | ROUTE_STREAM, ROUTE_SYNC, 200,
     gs_operation_events, "the steps of an operation as server-sent events, until it has ended",
     NULL, NULL},
    {"POST", BASE "/operations/:operationId/cancel", LATER_BODY, ROUTE_WORKER, 200,
     gs_operation_cancel, "stop an operation that has not changed anything yet", NULL,
     "{\"type\":\"object\"}"},
    {"GET", BASE "/mirrors", LATER, ROUTE_WORKER, 200, gs_mirror_list_all,
     "the mirrors of repositories on the server's disk, those unused for longest first", NULL,
     NULL},
    {"POST", BASE "/mirrors/gc", LATER_BODY, ROUTE_SYNC, 200, gs_mirror_collect,
     "pack all mirrors and remove those that are not needed; answers when that is done", NULL,
     "{\"type\":\"object\"}"},
    {"GET", "/healthz", OPEN, ROUTE_AT_ONCE, 200, gs_health_alive, "the process is alive", NULL,
     NULL},
    {"GET", "/readyz", OPEN | LATER, ROUTE_WORKER, 200, gs_health_ready,
     "the store and the disk are usable", NULL, NULL},
    {"GET", "/metrics", OPEN | ROUTE_METRICS, ROUTE_AT_ONCE, 200, gs_health_metrics,
     "counters for Prometheus", NULL, NULL},
    {"GET", "/openapi.json", OPEN, ROUTE_AT_ONCE, 200, gs_health_openapi, "this description", NULL,
     NULL},
};
const size_t gs_api_table_count = GS_COUNT(gs_api_table);
