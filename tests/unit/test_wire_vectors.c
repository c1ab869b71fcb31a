/* SPDX-License-Identifier: MIT */
/*
 * test_wire_vectors.c - the frames of PROTOCOL.md's worked example, decoded and encoded again.
 *
 * Run in the root of the project. A row says what the frame's record must be; documents in blobs
 * are decoded too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/wire/frame.h"
#include "engine/wire/protocol.h"
#include "tests/prop/records.h"

#define FRAME_SIZE_MAX 1024
#define TEXT_SIZE_MAX 8192

static struct vector_case {
    const char *name;
    const char *record;
    uint16_t opcode;
    uint8_t flags;
    uint64_t frame_id;
    const char *text;
} cases[] = {
    {"hello", "hello", CHEK_OPCODE_HELLO, 0, 1,
     "{token:x372e30303131323233333434353536363737383839396161626263636464656566663030"
     "313132323333343435353636373738383939616162626363646465656666"
     ",source:1,acknowledged:41,client:x6578616d706c652f312e30}"},
    {"welcome", "welcome", CHEK_OPCODE_HELLO, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, 1,
     "{principal:7,credits:4194304,server:x6368656b642f302e31,rights:2,partitions:64}"},
    {"feed", "feed", CHEK_OPCODE_FEED, 0, 2, NULL},
    {"fed", "fed", CHEK_OPCODE_FEED, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, 2,
     "{results:[{registration:1001,ordinal:344,shift:12}]}"},
    {"busy", "refusal", CHEK_OPCODE_FEED, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST | CHEK_FRAME_REFUSAL,
     3,
     "{code:5105,text:x74686520736572766572206973206275"
     "73793b2073656e6420524553554d452c207468656e207265706561742066726f6d2074686973206672616d65}"},
};

static const char feed_document[] =
    "{registration:1001,receipt:{time:1767261600,shift:12,document:345,sign:1234605616436508552,"
    "operator:xd090d0b8d0b4d0b0,total:123400,payments:[{kind:1,sum:123400}],lines:[{code:x3430303137,"
    "name:xd0a5d0bbd0b5d0b1,section:x31,quantity:2000000,price:61700,sum:123400,"
    "taxes:[{kind:1,rate:16000,sum:17021}]}]}}";

static _Alignas(16) uint8_t memory[65536];

/* Read the bytes of a vector; what stands behind a # on its line is left out. */
static size_t
read_vector(const char *name, uint8_t *bytes, size_t capacity)
{
    char path[128], line[512];
    size_t size = 0;
    snprintf(path, sizeof path, "tests/vectors/wire/%s.hex", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "#\n")] = '\0';
        size_t got = records_read_hex(line, bytes + size, capacity - size);
        assert_true(got != SIZE_MAX);
        size += got;
    }
    fclose(file);
    return size;
}

static void
expect_text(const char *record, const void *decoded, const char *want)
{
    char text[TEXT_SIZE_MAX];
    struct chek_writer out = chek_writer_over(text, sizeof text);
    records_print(&out, records_find(record), decoded);
    chek_writer_u8(&out, 0);
    assert_false(out.full);
    assert_string_equal(text, want);
}

static void
expect_document(const struct chek_feed *feed, struct chek_arena *arena)
{
    struct chek_document document;
    uint8_t again[FRAME_SIZE_MAX];
    struct chek_writer out = chek_writer_over(again, sizeof again);

    assert_int_equal(feed->offset, 42);
    assert_int_equal(feed->documents_count, 1);
    struct chek_bytes_view body = feed->documents[0];
    assert_int_equal(chek_document_decode_whole(body.bytes, body.size, arena, &document, NULL),
                     CHEK_OK);
    expect_text("document", &document, feed_document);
    chek_document_encode(&out, &document);
    assert_int_equal(out.size, body.size);
    assert_memory_equal(again, body.bytes, body.size);
}

static void
test_wire_vector(void **state)
{
    const struct vector_case *c = *state;
    const struct chek_record_shape *shape = records_find(c->record);
    uint8_t bytes[FRAME_SIZE_MAX], carry[CHEK_FRAME_HEAD_SIZE], again[FRAME_SIZE_MAX];
    _Alignas(16) uint8_t record[1024];
    struct chek_splitter splitter;
    struct chek_frame frame;
    struct chek_arena arena;
    struct chek_fault fault;

    size_t size = read_vector(c->name, bytes, sizeof bytes);
    chek_arena_init_over(&arena, memory, sizeof memory);
    chek_splitter_init(&splitter, carry, sizeof carry, CHEK_FRAME_BODY_SIZE_MAX);
    chek_splitter_feed(&splitter, bytes, size);
    assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
    assert_int_equal(chek_splitter_waiting(&splitter), 0);
    assert_int_equal(frame.head.opcode, c->opcode);
    assert_int_equal(frame.head.flags, c->flags);
    assert_true(frame.head.frame_id == c->frame_id);

    assert_true(shape->struct_size <= sizeof record);
    assert_int_equal(shape->decode(frame.body.bytes, frame.body.size, &arena, record, &fault),
                     CHEK_OK);
    if (c->text != NULL) {
        expect_text(c->record, record, c->text);
    } else {
        expect_document((const void *)record, &arena);
    }

    struct chek_writer out = chek_writer_over(again, sizeof again);
    size_t begin = chek_frame_begin(&out);
    shape->encode(&out, record);
    chek_frame_finish(&out, begin, c->opcode, c->flags, c->frame_id);
    assert_int_equal(out.size, size);
    assert_memory_equal(again, bytes, size);
}

int
main(void)
{
    struct CMUnitTest tests[CHEK_COUNT(cases)];

    for (size_t i = 0; i < CHEK_COUNT(cases); i++) {
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = test_wire_vector, .initial_state = &cases[i]};
    }
    return cmocka_run_group_tests_name("wire_vectors", tests, NULL, NULL);
}
