// Objects in files of their own (objects/12/3456…), written and read by us: libgit2 1.5's reader
// never returns from a file that a power cut has cut short. Such a file is an error here, and so is
// one with anything behind its end.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "git/git_internal.h"
#if __has_include(<git2/sys/errors.h>) // newer versions declare there how to set an error
#include <git2/sys/errors.h>
#endif

enum { HEADER_MAX = 64, ZLIB_HEAD = 2, ZLIB_TAIL = 4, BLOCK_HEAD = 5, NAME_MAX_BYTES = 64 };

// What does not compress grows a little.
enum { FILE_MAX = GS_GIT_OBJECT_MAX + GS_GIT_OBJECT_MAX / 64 };

// "objects/12/3456…"
static void format_name(const git_oid *oid, char out_name[NAME_MAX_BYTES])
{
    struct gs_oid id;
    gs_oid_from_git(oid, &id);
    const char *hex = gs_oid_wire(&id);
    snprintf(out_name, NAME_MAX_BYTES, "objects/%.2s/%s", hex, hex + 2);
}

// ---- Writing ---------------------------------------------------------------

static void put_big_endian(uLong value, unsigned char out[ZLIB_TAIL])
{
    for (int i = 0; i < ZLIB_TAIL; i++)
        out[i] = (unsigned char)(value >> (24 - 8 * i));
}

static uLong get_big_endian(const char in[ZLIB_TAIL])
{
    uLong value = 0;
    for (int i = 0; i < ZLIB_TAIL; i++)
        value = value << 8 | (unsigned char)in[i];
    return value;
}

// The head of the zlib stream, then "blob 300\0" as a stored block (RFC 1951, 3.2.4).
static size_t write_start(const char *header, size_t len, const char *zlib_head,
                          char out[HEADER_MAX])
{
    const char block[] = {zlib_head[0], zlib_head[1], 0, (char)len, 0, (char)~len, (char)0xff};
    memcpy(out, block, sizeof block);
    memcpy(out + sizeof block, header, len);
    return sizeof block + len;
}

enum gs_status gs_loose_write(const char *mirror_folder, const git_oid *oid, git_object_t type,
                              size_t size, struct gs_slice stream, struct gs_error *err)
{
    char header[HEADER_MAX / 2], start[HEADER_MAX];
    size_t header_len =
        (size_t)snprintf(header, sizeof header, "%s %zu", git_object_type2string(type), size) + 1;
    size_t start_len = write_start(header, header_len, stream.data, start);
    uLong header_sum = adler32(1, (const Bytef *)header, (uInt)header_len);
    uLong content_sum = get_big_endian(stream.data + stream.len - ZLIB_TAIL);
    unsigned char sum[ZLIB_TAIL];
    put_big_endian(adler32_combine(header_sum, content_sum, (z_off_t)size), sum);

    char name[NAME_MAX_BYTES];
    format_name(oid, name);
    const struct gs_slice parts[] = {
        gs_slice_of(start, start_len),
        gs_slice_of(stream.data + ZLIB_HEAD, stream.len - ZLIB_HEAD - ZLIB_TAIL),
        gs_slice_of((const char *)sum, sizeof sum),
    };
    return gs_disk_write(mirror_folder, name, parts, GS_COUNT(parts), err);
}

// ---- Reading ---------------------------------------------------------------

struct backend {
    git_odb_backend base; // first: libgit2 hands us this
    char folder[];
};

// "<type> <size>\0"
struct header {
    git_object_t type;
    size_t size;
    size_t len;
};

// A file that is being inflated.
struct reader {
    struct gs_buf file;
    z_stream stream;
    bool started;
    char start[HEADER_MAX]; // the first inflated bytes
    size_t start_len;
    struct header header;
};

static int fail(const char *what)
{
    git_error_set_str(GIT_ERROR_ODB, what);
    return GIT_ERROR;
}

static int read_file(int fd, struct gs_buf *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > FILE_MAX)
        return fail("a loose object's file is empty or too large");
    size_t size = (size_t)st.st_size;
    gs_buf_init(out, size);
    char *to = gs_buf_reserve(out, size);
    if (!to) {
        git_error_set_oom();
        return GIT_ERROR;
    }
    while (out->len < size) {
        ssize_t n = read(fd, to + out->len, size - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail("a loose object's file cannot be read");
        out->len += (size_t)n;
    }
    return 0;
}

int gs_loose_read_file(const char *mirror_folder, const git_oid *oid, struct gs_buf *out)
{
    char name[NAME_MAX_BYTES], path[GS_GIT_PATH_MAX];
    format_name(oid, name);
    snprintf(path, sizeof path, "%s/%s", mirror_folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? GIT_ENOTFOUND : fail("a loose object's file cannot be opened");
    int error = read_file(fd, out);
    close(fd);
    return error;
}

// From the front of what was inflated.
static int parse_header(struct gs_slice start, struct header *out_header)
{
    const char *end = start.len > 0 ? memchr(start.data, 0, start.len) : NULL;
    if (!end)
        return fail("a loose object has no header");
    struct gs_slice rest = gs_slice_of(start.data, (size_t)(end - start.data));
    struct header header = {.len = rest.len + 1};
    struct gs_slice type = gs_slice_split(&rest, ' ');
    char type_text[HEADER_MAX];
    snprintf(type_text, sizeof type_text, "%.*s", GS_SLICE_ARG(type));
    int64_t size;
    header.type = git_object_string2type(type_text);
    if (!git_object_typeisloose(header.type) || !gs_slice_to_int(rest, &size) || size < 0 ||
        size > GS_GIT_OBJECT_MAX)
        return fail("a loose object has a malformed header");
    header.size = (size_t)size;
    *out_header = header;
    return 0;
}

static int start_reader(const struct backend *backend, const git_oid *oid, struct reader *reader)
{
    *reader = (struct reader){0};
    int error = gs_loose_read_file(backend->folder, oid, &reader->file);
    if (error != 0)
        return error;
    reader->started = inflateInit(&reader->stream) == Z_OK;
    if (!reader->started) {
        git_error_set_oom();
        return GIT_ERROR;
    }
    reader->stream.next_in = (Bytef *)reader->file.data;
    reader->stream.avail_in = (uInt)reader->file.len;
    reader->stream.next_out = (Bytef *)reader->start;
    reader->stream.avail_out = sizeof reader->start;
    int result = inflate(&reader->stream, Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END)
        return fail("a loose object is not compressed as it should be");
    reader->start_len = sizeof reader->start - reader->stream.avail_out;
    return parse_header(gs_slice_of(reader->start, reader->start_len), &reader->header);
}

static void end_reader(struct reader *reader)
{
    if (reader->started)
        inflateEnd(&reader->stream);
    gs_buf_release(&reader->file);
}

// Exactly size bytes, then the end of the stream, then the end of the file.
static int inflate_content(struct reader *reader, char *to)
{
    size_t have = reader->start_len - reader->header.len;
    if (have > reader->header.size)
        return fail("a loose object is longer than it says");
    memcpy(to, reader->start + reader->header.len, have);
    z_stream *stream = &reader->stream;
    stream->next_out = (Bytef *)to + have;
    stream->avail_out = (uInt)(reader->header.size - have);
    int result = inflate(stream, Z_FINISH);
    if (result != Z_STREAM_END || stream->avail_out != 0 || stream->avail_in != 0)
        return fail("a loose object is cut short or changed");
    return 0;
}

// Deflate, no dictionary, and the check bits right (RFC 1950, 2.2).
static bool is_zlib_head(const char *head)
{
    unsigned method = (unsigned char)head[0], flags = (unsigned char)head[1];
    return (method & 0xf) == Z_DEFLATED && !(flags & 0x20) && (method << 8 | flags) % 31 == 0;
}

bool gs_loose_take_apart(struct gs_slice file, struct gs_loose_parts *out_parts)
{
    enum { HEADER_AT = ZLIB_HEAD + BLOCK_HEAD };
    struct header header;
    char start[HEADER_MAX];
    if (file.len <= HEADER_AT + ZLIB_TAIL || !is_zlib_head(file.data))
        return false;
    struct gs_slice rest = gs_slice_of(file.data + HEADER_AT, file.len - HEADER_AT - ZLIB_TAIL);
    if (rest.len > HEADER_MAX / 2)
        rest.len = HEADER_MAX / 2;
    if (parse_header(rest, &header) != 0)
        return false;
    size_t start_len = write_start(rest.data, header.len, file.data, start);
    if (memcmp(start, file.data, start_len) != 0)
        return false;
    *out_parts = (struct gs_loose_parts){
        .type = header.type,
        .size = header.size,
        .zlib_head = gs_slice_of(file.data, ZLIB_HEAD),
        .header = gs_slice_of(rest.data, header.len),
        .deflated = gs_slice_of(file.data + start_len, file.len - start_len - ZLIB_TAIL),
    };
    return true;
}

static int read_object(void **out_data, size_t *out_len, git_object_t *out_type,
                       git_odb_backend *base, const git_oid *oid)
{
    struct reader reader;
    char *data = NULL;
    int error = start_reader((struct backend *)base, oid, &reader);
    if (error == 0) {
        data = git_odb_backend_data_alloc(base, reader.header.size + 1);
        error = data ? inflate_content(&reader, data) : GIT_ERROR;
    }
    if (error == 0) {
        data[reader.header.size] = 0;
        *out_data = data;
        *out_len = reader.header.size;
        *out_type = reader.header.type;
    } else if (data) {
        git_odb_backend_data_free(base, data);
    }
    end_reader(&reader);
    return error;
}

static int read_header(size_t *out_len, git_object_t *out_type, git_odb_backend *base,
                       const git_oid *oid)
{
    struct reader reader;
    int error = start_reader((struct backend *)base, oid, &reader);
    if (error == 0) {
        *out_len = reader.header.size;
        *out_type = reader.header.type;
    }
    end_reader(&reader);
    return error;
}

static int exists(git_odb_backend *base, const git_oid *oid)
{
    const struct backend *backend = (struct backend *)base;
    char name[NAME_MAX_BYTES], path[GS_GIT_PATH_MAX];
    format_name(oid, name);
    snprintf(path, sizeof path, "%s/%s", backend->folder, name);
    return access(path, F_OK) == 0;
}

static void free_backend(git_odb_backend *base)
{
    free(base);
}

git_odb_backend *gs_loose_backend_new(const char *mirror_folder)
{
    size_t len = strlen(mirror_folder) + 1;
    struct backend *backend = gs_xcalloc(1, sizeof *backend + len);
    memcpy(backend->folder, mirror_folder, len);
    git_odb_init_backend(&backend->base, GIT_ODB_BACKEND_VERSION); // fails for other versions only
    backend->base.read = read_object;
    backend->base.read_header = read_header;
    backend->base.exists = exists;
    backend->base.free = free_backend;
    return &backend->base;
}
