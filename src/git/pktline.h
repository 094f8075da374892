// Git's framing: four hexadecimal digits of length, then that many bytes (gitprotocol-common). No
// meaning in it.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_GIT_PKTLINE_H
#define GS_GIT_PKTLINE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum { GS_PKT_MAX = 65520 }; // with the four digits

struct gs_pkt {
    bool flush; // "0000"; then data is empty
    struct gs_slice data;
};

enum gs_pkt_result {
    GS_PKT_OK,
    GS_PKT_MORE, // the bytes end before the packet does
    GS_PKT_BAD,
};

// Takes the first packet off *rest, which stays as it is unless the result is GS_PKT_OK. The
// special lengths of protocol version 2 are bad here.
enum gs_pkt_result gs_pkt_next(struct gs_slice *rest, struct gs_pkt *out_pkt);
// The data without one final newline.
struct gs_slice gs_pkt_text(const struct gs_pkt *pkt);

// Appends one packet; out fails when the text is longer than a packet can be.
void gs_pkt_printf(struct gs_buf *out, const char *fmt, ...) GS_PRINTF(2, 3);
void gs_pkt_append(struct gs_buf *out, struct gs_slice data);
void gs_pkt_flush(struct gs_buf *out);

// Cuts a stream that comes in pieces of any size into packets.
struct gs_pkt_stream {
    struct gs_buf partial;
    bool (*on_pkt)(void *arg, const struct gs_pkt *pkt); // false stops
    void *arg;
};
void gs_pkt_stream_init(struct gs_pkt_stream *stream,
                        bool (*on_pkt)(void *arg, const struct gs_pkt *pkt), void *arg);
void gs_pkt_stream_release(struct gs_pkt_stream *stream);
// False when the bytes are malformed or on_pkt said so.
bool gs_pkt_stream_feed(struct gs_pkt_stream *stream, struct gs_slice data);
// Whether the bytes so far end with a whole packet.
bool gs_pkt_stream_is_whole(const struct gs_pkt_stream *stream);

#endif
