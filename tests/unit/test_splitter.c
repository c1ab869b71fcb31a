/* SPDX-License-Identifier: MIT */
/* test_splitter.c - frames come out whole, in order and once, however the bytes are segmented. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/wire/frame.h"

#define STREAM_SIZE_MAX 512
#define FRAME_COUNT 4
#define BODY_SIZE_MAX 64

/* Bodies of the test stream: empty, short, the largest, short again. */
static const size_t body_sizes[FRAME_COUNT] = {0, 5, BODY_SIZE_MAX, 1};

struct stream {
    uint8_t bytes[STREAM_SIZE_MAX];
    size_t size;
};

static struct stream
stream_of_frames(void)
{
    struct stream stream = {.size = 0};
    struct chek_writer out = chek_writer_over(stream.bytes, sizeof stream.bytes);
    for (uint32_t i = 0; i < FRAME_COUNT; i++) {
        size_t begin = chek_frame_begin(&out);
        for (size_t at = 0; at < body_sizes[i]; at++) {
            chek_writer_u8(&out, (uint8_t)(16 * i + at));
        }
        chek_frame_finish(&out, begin, (uint16_t)(100 + i), 0, i);
    }
    assert_false(out.full);
    stream.size = out.size;
    return stream;
}

static void
expect_frame(const struct chek_frame *frame, uint32_t index)
{
    assert_int_equal(frame->head.opcode, 100 + index);
    assert_true(frame->head.frame_id == index);
    assert_int_equal(frame->body.size, body_sizes[index]);
    for (size_t at = 0; at < frame->body.size; at++) {
        assert_int_equal(frame->body.bytes[at], (uint8_t)(16 * index + at));
    }
}

/* Give one run of exactly its size, and take what frames it completes; returns the count so far. */
static uint32_t
receive(struct chek_splitter *splitter, const uint8_t *bytes, size_t size, uint32_t count)
{
    uint8_t run[STREAM_SIZE_MAX];
    struct chek_frame frame;
    int got;

    memcpy(run, bytes, size);
    chek_splitter_feed(splitter, run, size);
    while ((got = chek_splitter_next(splitter, &frame)) == 1) {
        assert_true(count < FRAME_COUNT);
        expect_frame(&frame, count);
        count += 1;
    }
    assert_int_equal(got, 0);
    memset(run, 0xee, sizeof run); /* a run is gone after the call that gave it */
    return count;
}

static void
test_splitter_next_at_every_two_split_points(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    for (size_t first = 0; first <= stream.size; first++) {
        for (size_t second = first; second <= stream.size; second++) {
            uint8_t carry[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
            struct chek_splitter splitter;
            chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
            uint32_t count = receive(&splitter, stream.bytes, first, 0);
            count = receive(&splitter, stream.bytes + first, second - first, count);
            count = receive(&splitter, stream.bytes + second, stream.size - second, count);
            assert_int_equal(count, FRAME_COUNT);
            assert_int_equal(chek_splitter_waiting(&splitter), 0);
        }
    }
}

static void
test_splitter_next_byte_by_byte(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    uint8_t carry[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
    struct chek_splitter splitter;
    uint32_t count = 0;
    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
    for (size_t at = 0; at < stream.size; at++) {
        count = receive(&splitter, stream.bytes + at, 1, count);
    }
    assert_int_equal(count, FRAME_COUNT);
}

static void
test_splitter_next_gives_whole_frames_where_they_lie(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    uint8_t carry[CHEK_FRAME_HEAD_SIZE];
    struct chek_splitter splitter;
    struct chek_frame frame;
    size_t at = 0;

    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
    chek_splitter_feed(&splitter, stream.bytes, stream.size);
    for (uint32_t i = 0; i < FRAME_COUNT; i++) {
        assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
        at += CHEK_FRAME_HEAD_SIZE;
        assert_ptr_equal(frame.body.bytes, stream.bytes + at);
        at += body_sizes[i];
    }
    assert_int_equal(chek_splitter_next(&splitter, &frame), 0);
}

/* Behind a frame that had to be put together, the rest of the run is given in place again. */
static void
test_splitter_next_copies_only_the_split_frame(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    uint8_t carry[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
    struct chek_splitter splitter;
    struct chek_frame frame;

    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
    chek_splitter_feed(&splitter, stream.bytes, 7);
    assert_int_equal(chek_splitter_next(&splitter, &frame), 0);
    chek_splitter_feed(&splitter, stream.bytes + 7, stream.size - 7);
    assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
    expect_frame(&frame, 0);
    assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
    expect_frame(&frame, 1);
    assert_ptr_equal(frame.body.bytes, stream.bytes + 2 * CHEK_FRAME_HEAD_SIZE);
}

static void
test_splitter_next_stays_failed_after_a_wrong_checksum(void **state)
{
    (void)state;
    struct stream stream = stream_of_frames();
    uint8_t carry[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
    struct chek_splitter splitter;
    struct chek_frame frame = {.head.opcode = 7};

    stream.bytes[CHEK_FRAME_HEAD_SIZE + CHEK_FRAME_HEAD_SIZE] ^= 1; /* the second frame's body */
    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
    chek_splitter_feed(&splitter, stream.bytes, stream.size);
    assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
    assert_int_equal(chek_splitter_next(&splitter, &frame), CHEK_E_CHECKSUM);
    assert_int_equal(frame.head.opcode, 100);
    chek_splitter_feed(&splitter, stream.bytes, CHEK_FRAME_HEAD_SIZE);
    assert_int_equal(chek_splitter_next(&splitter, &frame), CHEK_E_CHECKSUM);
    assert_int_equal(chek_splitter_waiting(&splitter), 0);
}

static void
test_splitter_next_refuses_a_head_before_its_body_comes(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    const uint8_t *third = stream.bytes + 2 * CHEK_FRAME_HEAD_SIZE + 5;
    uint8_t carry[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
    struct chek_splitter splitter;
    struct chek_frame frame;

    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX - 1);
    chek_splitter_feed(&splitter, third, CHEK_FRAME_HEAD_SIZE);
    assert_int_equal(chek_splitter_next(&splitter, &frame), CHEK_E_LIMIT);

    /* The same when the head itself came in two runs. */
    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX - 1);
    chek_splitter_feed(&splitter, third, 10);
    assert_int_equal(chek_splitter_next(&splitter, &frame), 0);
    chek_splitter_feed(&splitter, third + 10, CHEK_FRAME_HEAD_SIZE - 10);
    assert_int_equal(chek_splitter_next(&splitter, &frame), CHEK_E_LIMIT);
}

static void
test_splitter_use_goes_on_after_full(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    const uint8_t *third = stream.bytes + 2 * CHEK_FRAME_HEAD_SIZE + 5;
    size_t third_size = CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX;
    uint8_t small[CHEK_FRAME_HEAD_SIZE + 8];
    uint8_t large[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
    struct chek_splitter splitter;
    struct chek_frame frame;

    for (size_t first = 1; first < third_size; first++) {
        chek_splitter_init(&splitter, small, sizeof small, BODY_SIZE_MAX);
        chek_splitter_feed(&splitter, third, first);
        int got = chek_splitter_next(&splitter, &frame);
        if (got == 0) { /* not even the head: the rest comes, and the buffer is too small */
            assert_true(first < CHEK_FRAME_HEAD_SIZE);
            assert_int_equal(chek_splitter_frame_size(&splitter), 0);
            chek_splitter_feed(&splitter, third + first, third_size - first);
            got = chek_splitter_next(&splitter, &frame);
        }
        assert_int_equal(got, CHEK_E_FULL);
        assert_int_equal(chek_splitter_frame_size(&splitter), third_size);
        chek_splitter_use(&splitter, large, sizeof large, BODY_SIZE_MAX);
        if (first >= CHEK_FRAME_HEAD_SIZE) {
            assert_int_equal(chek_splitter_next(&splitter, &frame), 0);
            chek_splitter_feed(&splitter, third + first, third_size - first);
        }
        assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
        expect_frame(&frame, 2);
    }
}

static void
test_splitter_next_is_full_exactly_when_the_frame_is_larger(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    const uint8_t *third = stream.bytes + 2 * CHEK_FRAME_HEAD_SIZE + 5;
    size_t third_size = CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX;
    for (size_t capacity = CHEK_FRAME_HEAD_SIZE; capacity <= third_size; capacity++) {
        uint8_t carry[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
        struct chek_splitter splitter;
        struct chek_frame frame;
        chek_splitter_init(&splitter, carry, capacity, BODY_SIZE_MAX);
        chek_splitter_feed(&splitter, third, third_size - 1);
        assert_int_equal(chek_splitter_next(&splitter, &frame),
                         capacity < third_size ? CHEK_E_FULL : 0);
    }
}

/* The second frame and a part of the last wait in a buffer that has no room behind them. */
static void
expect_last_behind_second(bool keep_the_rest)
{
    const struct stream stream = stream_of_frames();
    const uint8_t *second = stream.bytes + CHEK_FRAME_HEAD_SIZE;
    const uint8_t *last = stream.bytes + stream.size - CHEK_FRAME_HEAD_SIZE - 1;
    uint8_t run[CHEK_FRAME_HEAD_SIZE + 5 + 20];
    uint8_t carry[sizeof run];
    struct chek_splitter splitter;
    struct chek_frame frame;

    memcpy(run, second, sizeof run - 20);
    memcpy(run + sizeof run - 20, last, 20);
    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
    chek_splitter_feed(&splitter, run, sizeof run);
    assert_int_equal(chek_splitter_keep(&splitter), CHEK_OK);
    assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
    expect_frame(&frame, 1);
    chek_splitter_feed(&splitter, last + 20, CHEK_FRAME_HEAD_SIZE + 1 - 20);
    if (keep_the_rest) {
        assert_int_equal(chek_splitter_keep(&splitter), CHEK_OK);
    }
    assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
    expect_frame(&frame, 3);
}

static void
test_splitter_next_makes_room_in_front(void **state)
{
    (void)state;
    expect_last_behind_second(false);
}

static void
test_splitter_keep_makes_room_in_front(void **state)
{
    (void)state;
    expect_last_behind_second(true);
}

/* Keeping the rest of a run in front of any frame, at any segmentation, loses nothing. */
static void
test_splitter_keep_then_next_gives_the_rest(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    for (size_t split = 0; split <= stream.size; split++) {
        for (uint32_t kept_before = 0; kept_before < FRAME_COUNT; kept_before++) {
            uint8_t carry[STREAM_SIZE_MAX];
            uint8_t run[STREAM_SIZE_MAX];
            struct chek_splitter splitter;
            struct chek_frame frame;
            uint32_t count = 0;

            chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
            memcpy(run, stream.bytes, split);
            chek_splitter_feed(&splitter, run, split);
            while (count < kept_before && chek_splitter_next(&splitter, &frame) == 1) {
                expect_frame(&frame, count);
                count += 1;
            }
            assert_int_equal(chek_splitter_keep(&splitter), CHEK_OK);
            memset(run, 0xee, sizeof run);
            count = receive(&splitter, stream.bytes + split, stream.size - split, count);
            assert_int_equal(count, FRAME_COUNT);
        }
    }
}

static void
test_splitter_keep_is_full_when_the_rest_does_not_fit(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    uint8_t carry[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];
    struct chek_splitter splitter;

    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
    chek_splitter_feed(&splitter, stream.bytes, sizeof carry + 1);
    assert_int_equal(chek_splitter_keep(&splitter), CHEK_E_FULL);
    assert_int_equal(chek_splitter_waiting(&splitter), sizeof carry + 1);
}

/* A frame that is taken back comes again, from the run, from the buffer and from a kept run. */
static void
test_splitter_unread_gives_the_frame_again(void **state)
{
    (void)state;
    const struct stream stream = stream_of_frames();
    for (size_t split = 0; split <= stream.size; split++) {
        uint8_t carry[STREAM_SIZE_MAX];
        uint8_t run[STREAM_SIZE_MAX];
        struct chek_splitter splitter;
        struct chek_frame frame;
        uint32_t count = 0;

        chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
        chek_splitter_feed(&splitter, stream.bytes, split);
        while (chek_splitter_next(&splitter, &frame) == 1) {
            count += 1;
        }
        memcpy(run, stream.bytes + split, stream.size - split);
        chek_splitter_feed(&splitter, run, stream.size - split);
        while (chek_splitter_next(&splitter, &frame) == 1) {
            expect_frame(&frame, count);
            chek_splitter_unread(&splitter);
            assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
            expect_frame(&frame, count);
            chek_splitter_unread(&splitter);
            assert_int_equal(chek_splitter_keep(&splitter), CHEK_OK);
            assert_int_equal(chek_splitter_next(&splitter, &frame), 1);
            expect_frame(&frame, count);
            count += 1;
        }
        assert_int_equal(count, FRAME_COUNT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splitter_next_at_every_two_split_points),
        cmocka_unit_test(test_splitter_next_byte_by_byte),
        cmocka_unit_test(test_splitter_next_gives_whole_frames_where_they_lie),
        cmocka_unit_test(test_splitter_next_copies_only_the_split_frame),
        cmocka_unit_test(test_splitter_next_stays_failed_after_a_wrong_checksum),
        cmocka_unit_test(test_splitter_next_refuses_a_head_before_its_body_comes),
        cmocka_unit_test(test_splitter_use_goes_on_after_full),
        cmocka_unit_test(test_splitter_next_is_full_exactly_when_the_frame_is_larger),
        cmocka_unit_test(test_splitter_next_makes_room_in_front),
        cmocka_unit_test(test_splitter_keep_makes_room_in_front),
        cmocka_unit_test(test_splitter_keep_then_next_gives_the_rest),
        cmocka_unit_test(test_splitter_keep_is_full_when_the_rest_does_not_fit),
        cmocka_unit_test(test_splitter_unread_gives_the_frame_again),
    };
    return cmocka_run_group_tests_name("splitter", tests, NULL, NULL);
}
