// Git's framing, whole and in pieces.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "git/pktline.h"

static void a_packet_is_taken_off_the_front(void **state)
{
    (void)state;
    struct gs_slice rest = GS_SLICE_LIT("0009hello000bworld!\n0000000499");
    struct gs_pkt pkt;
    assert_int_equal(gs_pkt_next(&rest, &pkt), GS_PKT_OK);
    assert_true(gs_slice_eq_str(pkt.data, "hello"));
    assert_int_equal(gs_pkt_next(&rest, &pkt), GS_PKT_OK);
    assert_true(gs_slice_eq_str(pkt.data, "world!\n"));
    assert_true(gs_slice_eq_str(gs_pkt_text(&pkt), "world!"));
    assert_int_equal(gs_pkt_next(&rest, &pkt), GS_PKT_OK);
    assert_true(pkt.flush);
    assert_int_equal(gs_pkt_next(&rest, &pkt), GS_PKT_OK);
    assert_false(pkt.flush);
    assert_int_equal(pkt.data.len, 0);
    assert_int_equal(gs_pkt_next(&rest, &pkt), GS_PKT_MORE);
    assert_true(gs_slice_eq_str(rest, "99"));
}

static void bad_lengths_are_told_from_missing_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum gs_pkt_result result;
    } cases[] = {
        {"", GS_PKT_MORE},      {"0", GS_PKT_MORE},       {"000", GS_PKT_MORE},
        {"0006a", GS_PKT_MORE}, {"fff0abc", GS_PKT_MORE}, {"FFF0abc", GS_PKT_MORE},
        {"0001", GS_PKT_BAD},   {"0002", GS_PKT_BAD},     {"0003", GS_PKT_BAD},
        {"fff1", GS_PKT_BAD},   {"ffff", GS_PKT_BAD},     {"000g", GS_PKT_BAD},
        {"-001", GS_PKT_BAD},   {" 005a", GS_PKT_BAD},    {"0x05a", GS_PKT_BAD},
        {"<htm", GS_PKT_BAD},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct gs_slice rest = gs_slice_str(cases[i].bytes);
        struct gs_pkt pkt;
        if (gs_pkt_next(&rest, &pkt) != cases[i].result)
            fail_msg("%s", cases[i].bytes);
        assert_true(gs_slice_eq_str(rest, cases[i].bytes));
    }
}

static void packets_are_written_as_they_are_read(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    gs_pkt_printf(&out, "want %s\n", "abc");
    gs_pkt_append(&out, gs_slice_of("a\0b", 3));
    gs_pkt_flush(&out);
    gs_pkt_printf(&out, "%s", "");
    assert_false(out.failed);
    assert_int_equal(out.len, strlen("000dwant abc\n") + 7 + 4 + 4);
    assert_memory_equal(out.data, "000dwant abc\n0007a\0b00000004", out.len);
}

static void too_long_a_packet_is_not_written(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf out, text;
    gs_buf_init(&out, 1 << 20);
    gs_buf_init(&text, 1 << 20);
    assert_non_null(gs_buf_reserve(&text, GS_PKT_MAX));
    memset(text.data, 'x', GS_PKT_MAX);
    gs_pkt_append(&out, gs_slice_of(text.data, GS_PKT_MAX - 4));
    assert_false(out.failed);
    assert_memory_equal(out.data, "fff0", 4);
    gs_pkt_append(&out, gs_slice_of(text.data, GS_PKT_MAX - 3));
    assert_true(out.failed);
    gs_buf_clear(&out);
    gs_pkt_printf(&out, "%.*s", GS_PKT_MAX - 3, text.data);
    assert_true(out.failed);
}

static bool gather(void *arg, const struct gs_pkt *pkt)
{
    struct gs_buf *seen = arg;
    if (pkt->flush)
        return gs_buf_append_str(seen, "|");
    return gs_buf_append_slice(seen, pkt->data) && gs_buf_append_char(seen, ',');
}

// The same bytes in pieces of one size, whatever the size.
static void a_stream_may_come_in_pieces(void **state)
{
    (void)state;
    struct gs_slice bytes = GS_SLICE_LIT("0009hello0000000400051000aworld!0000");
    for (size_t piece = 1; piece <= bytes.len; piece++) {
        GS_CLEANUP(gs_buf_release) struct gs_buf seen;
        gs_buf_init(&seen, 1000);
        struct gs_pkt_stream stream;
        gs_pkt_stream_init(&stream, gather, &seen);
        for (size_t at = 0; at < bytes.len; at += piece) {
            size_t len = bytes.len - at < piece ? bytes.len - at : piece;
            assert_true(gs_pkt_stream_feed(&stream, gs_slice_of(bytes.data + at, len)));
        }
        assert_true(gs_pkt_stream_is_whole(&stream));
        assert_string_equal(seen.data, "hello,|,1,world!,|");
        gs_pkt_stream_release(&stream);
    }
}

static void a_stream_of_large_packets_in_random_pieces(void **state)
{
    (void)state;
    GS_CLEANUP(gs_buf_release) struct gs_buf bytes, expected, seen;
    gs_buf_init(&bytes, 8 << 20);
    gs_buf_init(&expected, 8 << 20);
    gs_buf_init(&seen, 8 << 20);
    for (int i = 0; i < 60; i++) {
        char text[GS_PKT_MAX - 4];
        size_t len = gs_random_below(sizeof text);
        memset(text, 'a' + i % 26, len);
        gs_pkt_append(&bytes, gs_slice_of(text, len));
        gs_buf_append(&expected, text, len);
        gs_buf_append_char(&expected, ',');
    }
    struct gs_pkt_stream stream;
    gs_pkt_stream_init(&stream, gather, &seen);
    for (struct gs_slice rest = gs_buf_slice(&bytes); rest.len > 0;) {
        size_t len = gs_random_below(100000) + 1;
        len = len < rest.len ? len : rest.len;
        assert_true(gs_pkt_stream_feed(&stream, gs_slice_of(rest.data, len)));
        rest = gs_slice_of(rest.data + len, rest.len - len);
    }
    assert_true(gs_slice_eq(gs_buf_slice(&seen), gs_buf_slice(&expected)));
    gs_pkt_stream_release(&stream);
}

static bool refuse(void *arg, const struct gs_pkt *pkt)
{
    (void)arg;
    (void)pkt;
    return false;
}

static void a_stream_stops_where_it_is_told_or_malformed(void **state)
{
    (void)state;
    struct gs_pkt_stream stream;
    gs_pkt_stream_init(&stream, refuse, NULL);
    assert_false(gs_pkt_stream_feed(&stream, GS_SLICE_LIT("00051")));
    gs_pkt_stream_release(&stream);
    GS_CLEANUP(gs_buf_release) struct gs_buf seen;
    gs_buf_init(&seen, 100);
    gs_pkt_stream_init(&stream, gather, &seen);
    assert_true(gs_pkt_stream_feed(&stream, GS_SLICE_LIT("00")));
    assert_false(gs_pkt_stream_is_whole(&stream));
    assert_false(gs_pkt_stream_feed(&stream, GS_SLICE_LIT("03")));
    gs_pkt_stream_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_is_taken_off_the_front),
        cmocka_unit_test(bad_lengths_are_told_from_missing_bytes),
        cmocka_unit_test(packets_are_written_as_they_are_read),
        cmocka_unit_test(too_long_a_packet_is_not_written),
        cmocka_unit_test(a_stream_may_come_in_pieces),
        cmocka_unit_test(a_stream_of_large_packets_in_random_pieces),
        cmocka_unit_test(a_stream_stops_where_it_is_told_or_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
