/* SPDX-License-Identifier: MIT */
/*
 * splitter.c - from runs of bytes to frames.
 *
 * Bytes that wait in the buffer come before those of the run. While any wait, the frame at their
 * front is completed from the run with exactly the bytes it lacks, so that what follows it in the
 * run is given out in place again.
 */
#include "engine/base/assertion.h"
#include "engine/wire/frame.h"

#define FRAME_ID_AT 16 /* in the head: frame.c has its layout */

static bool
splitter_is_valid(const struct chek_splitter *splitter)
{
    return splitter->carry_at <= splitter->carry_size &&
           splitter->carry_size <= splitter->carry_capacity;
}

static size_t
carried(const struct chek_splitter *splitter)
{
    return splitter->carry_size - splitter->carry_at;
}

/* `head` is the one that failed, or whose body did. */
static int
fail(struct chek_splitter *splitter, const uint8_t *head, int error)
{
    splitter->error = error;
    if (error != CHEK_E_MAGIC && error != CHEK_E_VERSION) {
        splitter->failed_frame_id = chek_load_u64(head + FRAME_ID_AT);
    }
    splitter->run_size = 0;
    splitter->carry_at = splitter->carry_size = 0;
    return error;
}

/* Move what waits to the front of the buffer. */
static void
compact(struct chek_splitter *splitter)
{
    if (splitter->carry_at != 0) {
        memmove(splitter->carry, splitter->carry + splitter->carry_at, carried(splitter));
        splitter->carry_size -= splitter->carry_at;
        splitter->carry_at = 0;
    }
}

/* Copy up to `size` bytes of the run behind those that wait. */
static void
carry_over(struct chek_splitter *splitter, size_t size)
{
    if (size > splitter->run_size) {
        size = splitter->run_size;
    }
    CHEK_ASSERT(size <= splitter->carry_capacity - splitter->carry_size);
    if (size != 0) {
        memcpy(splitter->carry + splitter->carry_size, splitter->run, size);
        splitter->carry_size += size;
        splitter->run += size;
        splitter->run_size -= size;
    }
}

/*
 * Make `size` bytes of the frame at the front of the buffer wait there, if they have come.
 * Returns 1 when they do, 0 when more are needed, FULL when the buffer is too small for them.
 */
static int
gather(struct chek_splitter *splitter, size_t size)
{
    if (carried(splitter) >= size) {
        return 1;
    }
    if (size > splitter->carry_capacity) {
        return CHEK_E_FULL;
    }
    if (size > splitter->carry_capacity - splitter->carry_at) {
        compact(splitter);
    }
    carry_over(splitter, size - carried(splitter));
    return carried(splitter) >= size ? 1 : 0;
}

/* Check a whole frame and give it out. */
static int
give(struct chek_splitter *splitter, const uint8_t *frame, const struct chek_frame_head *head,
     struct chek_frame *ret)
{
    if (!chek_frame_check(frame, head)) {
        return fail(splitter, frame, CHEK_E_CHECKSUM);
    }
    splitter->given_size = CHEK_FRAME_HEAD_SIZE + (size_t)head->body_size;
    ret->head = *head;
    ret->body = chek_bytes_view_of(frame + CHEK_FRAME_HEAD_SIZE, head->body_size);
    return 1;
}

static int
next_carried(struct chek_splitter *splitter, struct chek_frame *ret)
{
    int whole = gather(splitter, CHEK_FRAME_HEAD_SIZE);
    if (whole != 1) {
        return whole;
    }
    struct chek_frame_head head;
    int error = chek_frame_head_decode(splitter->carry + splitter->carry_at,
                                       splitter->body_size_max, &head);
    if (error != CHEK_OK) {
        return fail(splitter, splitter->carry + splitter->carry_at, error);
    }
    size_t size = CHEK_FRAME_HEAD_SIZE + (size_t)head.body_size;
    whole = gather(splitter, size);
    if (whole != 1) {
        return whole;
    }
    const uint8_t *frame = splitter->carry + splitter->carry_at;
    splitter->carry_at += size;
    splitter->given_in_place = false;
    return give(splitter, frame, &head, ret);
}

/* The run's next frame where it lies; what is not whole goes to the buffer. */
static int
next_in_place(struct chek_splitter *splitter, struct chek_frame *ret)
{
    if (splitter->run_size < CHEK_FRAME_HEAD_SIZE) {
        carry_over(splitter, splitter->run_size);
        return 0;
    }
    struct chek_frame_head head;
    int error = chek_frame_head_decode(splitter->run, splitter->body_size_max, &head);
    if (error != CHEK_OK) {
        return fail(splitter, splitter->run, error);
    }
    size_t size = CHEK_FRAME_HEAD_SIZE + (size_t)head.body_size;
    if (splitter->run_size < size) {
        carry_over(splitter, CHEK_FRAME_HEAD_SIZE);
        return gather(splitter, size);
    }
    const uint8_t *frame = splitter->run;
    splitter->run += size;
    splitter->run_size -= size;
    splitter->given_in_place = true;
    return give(splitter, frame, &head, ret);
}

void
chek_splitter_init(struct chek_splitter *splitter, void *carry, size_t capacity,
                   uint32_t body_size_max)
{
    CHEK_ASSERT(capacity >= CHEK_FRAME_HEAD_SIZE);
    *splitter = (struct chek_splitter){
        .carry = carry, .carry_capacity = capacity, .body_size_max = body_size_max};
}

void
chek_splitter_use(struct chek_splitter *splitter, void *carry, size_t capacity,
                  uint32_t body_size_max)
{
    size_t size = carried(splitter);
    splitter->given_size = 0;
    CHEK_ASSERT(capacity >= CHEK_FRAME_HEAD_SIZE && capacity >= size);
    memmove(carry, splitter->carry + splitter->carry_at, size);
    splitter->carry = carry;
    splitter->carry_capacity = capacity;
    splitter->carry_at = 0;
    splitter->carry_size = size;
    splitter->body_size_max = body_size_max;
}

void
chek_splitter_feed(struct chek_splitter *splitter, const uint8_t *bytes, size_t size)
{
    CHEK_ASSERT(splitter->run_size == 0);
    splitter->given_size = 0;
    splitter->run = bytes;
    splitter->run_size = size;
}

int
chek_splitter_next(struct chek_splitter *splitter, struct chek_frame *ret)
{
    CHEK_ASSERT(splitter_is_valid(splitter));
    splitter->given_size = 0;
    if (splitter->carry_at == splitter->carry_size) {
        splitter->carry_at = splitter->carry_size = 0;
    }
    if (splitter->error != CHEK_OK) {
        splitter->run_size = 0;
        return splitter->error;
    }
    return carried(splitter) != 0 ? next_carried(splitter, ret) : next_in_place(splitter, ret);
}

void
chek_splitter_unread(struct chek_splitter *splitter)
{
    CHEK_ASSERT(splitter->given_size != 0);
    if (splitter->given_in_place) {
        splitter->run -= splitter->given_size;
        splitter->run_size += splitter->given_size;
    } else {
        splitter->carry_at -= splitter->given_size;
    }
    splitter->given_size = 0;
}

size_t
chek_splitter_frame_size(const struct chek_splitter *splitter)
{
    struct chek_frame_head head;
    if (carried(splitter) < CHEK_FRAME_HEAD_SIZE ||
        chek_frame_head_decode(splitter->carry + splitter->carry_at, splitter->body_size_max,
                               &head) != CHEK_OK) {
        return 0;
    }
    return CHEK_FRAME_HEAD_SIZE + (size_t)head.body_size;
}

int
chek_splitter_keep(struct chek_splitter *splitter)
{
    if (splitter->run_size > splitter->carry_capacity - carried(splitter)) {
        return CHEK_E_FULL;
    }
    splitter->given_size = 0;
    if (splitter->run_size > splitter->carry_capacity - splitter->carry_size) {
        compact(splitter);
    }
    carry_over(splitter, splitter->run_size);
    return CHEK_OK;
}
