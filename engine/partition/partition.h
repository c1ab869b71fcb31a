/* SPDX-License-Identifier: MIT */
/*
 * partition.h - a complete state machine: apply(state, command) -> reply and events.
 *
 * Partition 0 is the directory; the others hold organisations with all that is theirs. A
 * partition sees envelopes and bodies and nothing else: no clock, no settings, no pool sizes.
 * Same commands in the same order give the same state hash on every machine and compiler.
 *
 * State is a page heap (mutable) and a store (history). A snapshot is the image of both.
 *
 *   Threads  the owning shard
 */
#ifndef CHEK_PARTITION_PARTITION_H
#define CHEK_PARTITION_PARTITION_H

#include "engine/directory/directory.h"
#include "engine/fiscal/fiscal.h"
#include "engine/partition/envelope.h"

struct chek_partition;

struct chek_partition_config {
    uint16_t number;
    uint32_t page_count_max;      /* of the heap: address space, not memory */
    uint32_t segment_row_count;   /* 0 = CHEK_SEGMENT_RECEIPT_COUNT; smaller in tests */
    uint32_t segment_merge_count; /* 0 = CHEK_MERGE_COUNT; smaller in tests */
    struct chek_store_pool *pool; /* of the partition's shard; NULL = one of its own */
    uint64_t index_seed;          /* unpredictable: spreads indices in memory, changes no answer */
};

/* Events of the partition's change stream: gap-free numbers from 1, made again by replay. */
struct chek_partition_sink {
    void *context;
    void (*on_event)(void *context, uint16_t partition, uint64_t event_seq,
                     const struct chek_event *event);
};

/* What a command led to. */
struct chek_outcome {
    struct chek_result result;    /* documents */
    int error;                    /* other commands: CHEK_OK or why nothing changed */
    struct chek_claimed *claimed; /* claims: one an asked register, in the partition's scratch */
    uint32_t claimed_count;
    uint32_t principal; /* of a principal added */
};

CHEK_MUST_USE int chek_partition_create(const struct chek_partition_config *config,
                                        const struct chek_partition_sink *sink,
                                        struct chek_partition **ret);
void chek_partition_destroy(struct chek_partition *partition); /* takes NULL */

/*
 * Reserve what the worst case of applying this command may need, before it is logged. Applying it
 * gives that back; so nothing is reserved for a command that will be skipped.
 *
 *   Errors     FULL, -ENOMEM: answer BUSY or refuse; nothing changes
 */
CHEK_MUST_USE int chek_partition_ensure(struct chek_partition *partition, size_t body_size);

/* Commands that something is reserved for. */
uint32_t chek_partition_reserved(const struct chek_partition *partition);

/* A command that is about to be applied. */
struct chek_partition_target {
    struct chek_partition *partition;
    struct chek_command command;
};

/*
 * Start loading what applying these commands will touch, and decode their documents, which each
 * command then carries to its chek_partition_apply(). Decides nothing: a document that does not
 * fit the arena is decoded when it is applied.
 *
 *   Ownership  what is decoded is in `arena`
 */
void chek_partition_prefetch(struct chek_partition_target *targets, uint32_t count,
                             struct chek_arena *arena);

/*
 * Apply one durable command: partition_seq must be the next (a lower one was applied before, as
 * after a snapshot, and is skipped).
 *
 *   Returns    CHEK_OK and *ret (valid until the next call); 1 when it was skipped
 *   Errors     GAP a hole in partition_seq; CORRUPT a body that does not decode: a damaged log
 *              or our bug, never a client's doing; the state is unchanged, *ret is anything
 */
CHEK_MUST_USE int chek_partition_apply(struct chek_partition *partition,
                                       const struct chek_command *command,
                                       struct chek_outcome *ret);

/*
 * Apply a command of the directory (principal, revoke, claim) to a copy of it.
 *
 *   Ownership  what the outcome points to is in `scratch`
 *   Errors     CORRUPT: the body does not decode or does not follow; the copy is unchanged
 */
CHEK_MUST_USE int chek_directory_apply(struct chek_directory *directory,
                                       const struct chek_command *command,
                                       struct chek_arena *decode, struct chek_arena *scratch,
                                       struct chek_outcome *ret);

/* Number of the last command applied; 0 before genesis. The next event's number. */
uint64_t chek_partition_seq(const struct chek_partition *partition);
uint64_t chek_partition_event_seq(const struct chek_partition *partition);
uint64_t chek_partition_time_us(const struct chek_partition *partition);

/* What retention has removed: the documents of the first `row_count` rows but for closes, which are
 * those received before `border_us` (UTC). Zero: nothing. */
struct chek_retention {
    uint64_t border_us;
    uint64_t row_count;
};

struct chek_retention chek_partition_retention(const struct chek_partition *partition);

/* Highest source offset applied for a source; 0 when none. */
uint64_t chek_partition_source_offset(const struct chek_partition *partition, uint64_t source);

/*
 * The encrypted personal value of a subject; borrows the heap until the next command.
 *
 *   Errors     NOT_FOUND: never seen here, or erased
 */
CHEK_MUST_USE int chek_partition_subject(const struct chek_partition *partition,
                                         const uint8_t subject[16], struct chek_bytes_view *ret);
bool chek_partition_has_subject(const struct chek_partition *partition, const uint8_t subject[16]);
uint64_t chek_partition_subject_count(const struct chek_partition *partition);

/* Call for every subject's id and encrypted value until a call says false. Cost: walks everything. */
void chek_partition_subjects_each(const struct chek_partition *partition,
                                  bool (*on_subject)(void *context, const uint8_t subject[16],
                                                     struct chek_bytes_view secret),
                                  void *context);

/*
 * When a subject was erased last (UTC, microseconds); 0: never. It may be there again: a document
 * that came later brought it.
 */
/*
 * The erasure of a subject as it is listed. Errors: NOT_FOUND; *ret is unchanged.
 *
 *   Ownership  the organisation borrows the heap, until the next command
 */
CHEK_MUST_USE int chek_partition_erasure(const struct chek_partition *partition,
                                         const uint8_t subject[16], struct chek_erasure *ret);
uint64_t chek_partition_erased_us(const struct chek_partition *partition,
                                  const uint8_t subject[16]);
uint64_t chek_partition_erasure_count(const struct chek_partition *partition);

/*
 * List who was erased, the subjects that were erased first at the end.
 *
 *   Arguments  `*at` 0 before the first call; the next one goes on from it, whatever is erased
 *              meanwhile
 *   Returns    how many; fewer than `count_max`: there are no more
 *   Ownership  organisations borrow the heap, until the next command
 */
uint32_t chek_partition_erasures(const struct chek_partition *partition, uint32_t *at,
                                 struct chek_erasure *ret, uint32_t count_max);

/*
 * Whether the objects of a partition that was loaded are whole (chek_fiscal_is_valid(); sources and
 * subjects too). A start relies on the sums; who asks about a folder does not. Cost: walks everything.
 */
bool chek_partition_is_valid(const struct chek_partition *partition);

/* Hash of the logical state: heap pages and the store's history. Cost: reads the whole heap. */
uint64_t chek_partition_hash(const struct chek_partition *partition);

uint64_t chek_partition_heap_size(const struct chek_partition *partition); /* bytes */
uint64_t chek_partition_registration_count(const struct chek_partition *partition);

/* The parts, for reading. `fiscal` is NULL in partition 0, `directory` in all others. */
const struct chek_fiscal *chek_partition_fiscal(const struct chek_partition *partition);
const struct chek_directory *chek_partition_directory(const struct chek_partition *partition);
struct chek_store *chek_partition_store(struct chek_partition *partition);
uint16_t chek_partition_number(const struct chek_partition *partition);

/*
 * How far the chain of the partition's rows reaches; zero in partition 0.
 *
 *   Ownership  the head is the store's, until rows are appended
 */
struct chek_chain_reach chek_partition_chain_reach(const struct chek_partition *partition);

/* ---- images ----------------------------------------------------------------------------------- */

size_t chek_partition_image_size(const struct chek_partition *partition);

/* Write heap pages and the store's image; sealed segments are not in it. */
void chek_partition_image_write(const struct chek_partition *partition, struct chek_writer *out);

/*
 * The heaps of a partition and how many pages they have. A mark copies pages that are changed: a
 * worker prepares the memory for that before chek_partition_image_begin(), and gives it back when
 * the image is over (chek_page_heap_mark_prepare(), chek_page_heap_mark_discard()).
 *
 *   Threads    asking: the owning shard; prepare and discard: a worker, while no image is open
 *   Errors     -ENOMEM; there may be less memory than asked for
 */
struct chek_partition_heaps {
    struct chek_page_heap *heaps[2];
    uint32_t page_counts[2];
    uint32_t count;
};
void chek_partition_heaps(struct chek_partition *partition, struct chek_partition_heaps *ret);
CHEK_MUST_USE int chek_partition_heaps_prepare(const struct chek_partition_heaps *heaps);
void chek_partition_heaps_discard(const struct chek_partition_heaps *heaps);

/* A step writes at most this much beyond the work that it was given. */
#define CHEK_PARTITION_PIECE_SIZE_MAX (CHEK_STORE_PIECE_SIZE_MAX + 128)

/*
 * Begin an image of what the partition is now, the bytes that chek_partition_image_write() would
 * write, to be written in steps while commands are applied. One at a time; segments are adopted
 * after its end (engine/store/store.h).
 *
 *   Errors     -ENOMEM; no image is begun
 *   Cost       a byte a heap page, when the heaps were prepared
 */
CHEK_MUST_USE int chek_partition_image_begin(struct chek_partition *partition);

/*
 * Write on, for about as long as copying `work` bytes takes; true when the image is whole.
 *
 *   Ownership  `out` has room for work + CHEK_PARTITION_PIECE_SIZE_MAX (asserted)
 */
CHEK_MUST_USE bool chek_partition_image_step(struct chek_partition *partition, size_t work,
                                             struct chek_writer *out);
void chek_partition_image_end(struct chek_partition *partition); /* harmless when none is open */

/*
 * Rebuild a partition from its image and its segments' bytes.
 *
 *   Errors     CORRUPT, VERSION, -ENOMEM; *ret is unchanged
 */
CHEK_MUST_USE int chek_partition_load(const struct chek_partition_config *config,
                                      const struct chek_partition_sink *sink,
                                      struct chek_bytes_view image,
                                      const struct chek_bytes_view *segments,
                                      uint32_t segment_count, struct chek_partition **ret);

#endif
