/* SPDX-License-Identifier: MIT */
/*
 * frame.h - the envelope of every message, and how a run of bytes is cut into messages.
 *
 * A frame is a head of 32 bytes and a body. The checksum of the body is seeded with the checksum
 * of the head, so that a right body behind a wrong head is found. The splitter gives out frames
 * where they lie in the bytes received; only a frame that is split over two runs is put together
 * in a buffer.
 *
 *   Source  engine/wire/PROTOCOL.md "Frame"
 */
#ifndef CHEK_WIRE_FRAME_H
#define CHEK_WIRE_FRAME_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/writer.h"

#define CHEK_FRAME_MAGIC 0x4b43 /* "CK" */
#define CHEK_FRAME_VERSION 1
#define CHEK_FRAME_HEAD_SIZE 32
#define CHEK_FRAME_SUMMED_SIZE 24 /* bytes of the head that seed the checksum */

/* The body of an answer: a document as large as a frame allows, and what the engine adds to it. */
#define CHEK_FRAME_ANSWER_SIZE_MAX (CHEK_FRAME_BODY_SIZE_MAX + 4096)

/* Bytes of frames that a streamed answer may have before the first `allow`. */
#define CHEK_STREAM_ALLOWANCE_SIZE (256 * 1024)

/* Flags. A request has none; an answer ANSWER, its last frame LAST too, a refusal all three. */
#define CHEK_FRAME_ANSWER 0x01
#define CHEK_FRAME_LAST 0x02
#define CHEK_FRAME_REFUSAL 0x04

struct chek_frame_head {
    uint64_t frame_id; /* the requester's choice; its answers carry it */
    uint64_t checksum;
    uint32_t body_size;
    uint16_t opcode;
    uint8_t flags;
};

/* A whole frame with a right checksum. */
struct chek_frame {
    struct chek_frame_head head;
    struct chek_bytes_view body;
};

/*
 * Read a head; the body may not be there yet.
 *
 *   Errors     MAGIC     these are not bytes of this protocol
 *              VERSION   a version of the frame other than 1
 *              RESERVED  a reserved bit or byte is not zero
 *              RANGE     flags that do not go together
 *              LIMIT     the body is larger than `body_size_max`
 *              *ret is unchanged
 */
CHEK_MUST_USE int chek_frame_head_decode(const uint8_t bytes[CHEK_FRAME_HEAD_SIZE],
                                         uint32_t body_size_max, struct chek_frame_head *ret);

/* Whether the checksum in the head of a frame (head and body in one piece) is right. */
bool chek_frame_check(const uint8_t *frame, const struct chek_frame_head *head);

/*
 * Begin a frame: leave room for its head. Returns where it begins. Append the body, then finish.
 *
 * A writer that is full at the end has no frame in it: set its size back to what was returned.
 */
CHEK_MUST_USE size_t chek_frame_begin(struct chek_writer *out);

/* End the frame that begins at `begin`: fill in its head and its checksum. */
void chek_frame_finish(struct chek_writer *out, size_t begin, uint16_t opcode, uint8_t flags,
                       uint64_t frame_id);

/* ---- splitter ------------------------------------------------------------------------------ */

/*
 * Cuts what one connection receives into frames, however it is segmented. Plain data, embedded in
 * its owner; the members are the splitter's.
 */
struct chek_splitter {
    const uint8_t *run; /* bytes received and not yet given out or kept */
    size_t run_size;
    uint8_t *carry; /* the owner's buffer */
    size_t carry_capacity;
    size_t carry_at, carry_size; /* bytes carry_at..carry_size wait in it */
    size_t given_size;           /* of the frame given last, until the next call */
    bool given_in_place;
    uint32_t body_size_max;
    int error; /* the first one; the stream cannot be trusted behind it */
    uint64_t failed_frame_id;
};

/* Start with an empty buffer of at least CHEK_FRAME_HEAD_SIZE bytes (asserted). */
void chek_splitter_init(struct chek_splitter *splitter, void *carry, size_t capacity,
                        uint32_t body_size_max);

/*
 * Go on with another buffer, another largest body, or both: after the handshake, or after FULL.
 *
 *   Ownership  what waits in the old buffer is copied (it must fit: asserted); the old buffer is
 *              the owner's again. A frame given out of the old buffer stays in it.
 */
void chek_splitter_use(struct chek_splitter *splitter, void *carry, size_t capacity,
                       uint32_t body_size_max);

/*
 * Give the next run of bytes; the run before must be used up or kept (asserted).
 *
 *   Ownership  borrows `bytes` until chek_splitter_next() returns 0 or an error other than FULL,
 *              or chek_splitter_keep() returned CHEK_OK
 */
void chek_splitter_feed(struct chek_splitter *splitter, const uint8_t *bytes, size_t size);

/*
 * Take the next frame. Returns 1 and the frame, 0 when more bytes are needed, or an error.
 *
 *   Ownership  ret->body lies in the run or in the buffer: it is valid until the next call for
 *              this splitter, and no longer than the run
 *   Errors     those of chek_frame_head_decode(), and CHECKSUM: the splitter stays failed.
 *              FULL: the buffer is smaller than the frame, whose size chek_splitter_frame_size()
 *              tells; nothing is lost, go on after chek_splitter_use()
 *   Cost       bytes of a frame that is whole in its run are not copied
 */
CHEK_MUST_USE int chek_splitter_next(struct chek_splitter *splitter, struct chek_frame *ret);

/*
 * Take the frame back that chek_splitter_next() has just given, as if it had not: it comes again.
 * For a connection that has to wait in front of it; no other call may be between (asserted).
 */
void chek_splitter_unread(struct chek_splitter *splitter);

/* Size of the frame that is not whole yet, head included; 0 when even its head is not. */
size_t chek_splitter_frame_size(const struct chek_splitter *splitter);

/*
 * Copy the rest of the run into the buffer, so that the run may go although it has frames left.
 *
 *   Errors     FULL when it does not fit; nothing changes. Bytes of waiting frames are all the
 *              buffer must hold: chek_splitter_waiting().
 */
CHEK_MUST_USE int chek_splitter_keep(struct chek_splitter *splitter);

/* Frame id of the frame that chek_splitter_next() failed at; 0 when it did not fail, or at what is
 * not a head of this version. */
static inline uint64_t
chek_splitter_failed_frame(const struct chek_splitter *splitter)
{
    return splitter->failed_frame_id;
}

/* Bytes received and not given out, in the buffer and in the run. */
static inline size_t
chek_splitter_waiting(const struct chek_splitter *splitter)
{
    return splitter->carry_size - splitter->carry_at + splitter->run_size;
}

#endif
