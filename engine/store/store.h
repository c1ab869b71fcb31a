/* SPDX-License-Identifier: MIT */
/*
 * store.h - the documents of one partition.
 *
 * A document is a row: it is appended to an open set as it came, with what scans want of it beside
 * it, and when a set (16,384 rows; fewer for the first) is full it is sealed into a segment: sorted
 * by (registration, ordinal), encoded as columns in pages of 4,096 rows, immutable for ever. Segments are merged into larger ones later (merge.h). Texts are codes of append-only dictionaries. What the store holds is
 * logical history; where a row lives (open or sealed) is not part of the state and changes nothing
 * that a reader can see.
 *
 * The store decides nothing about documents: identity, shifts and totals are engine/fiscal's.
 *
 *   Threads  the owning shard, but for chek_seal_run(), which a worker calls; functions that read
 *            a store read a view of it (view.h) on any thread
 */
#ifndef CHEK_STORE_STORE_H
#define CHEK_STORE_STORE_H

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "engine/wire/protocol.h"

struct chek_store;
struct chek_segment;
struct chek_seal;

enum chek_row_kind { CHEK_ROW_RECEIPT, CHEK_ROW_MOVEMENT, CHEK_ROW_CLOSE };

/* What the engine knows of a document beside the document itself. */
struct chek_row {
    uint32_t registration;
    uint32_t ordinal;     /* arrival order within the registration, from 0 */
    uint32_t shift;       /* as assigned */
    uint32_t completes;   /* ordinal + 1 of the poorer copy that this row replaces; 0 = none */
    uint32_t warnings;    /* bits of enum chek_warning */
    uint16_t binding;     /* index of the registration's binding to a trade point */
    uint8_t kind;         /* enum chek_row_kind */
    bool late;            /* its shift was closed when it came */
    bool replaced;        /* a fuller copy took its place; set by chek_store_replace() */
    uint64_t received_us; /* envelope time, UTC */
    /* Close rows: the frozen totals of the shift, opaque to the store; at most 64 KiB. */
    struct chek_bytes_view cell;
};

/* Whether personal values of a receipt stand in it in clear: then it may be neither logged nor kept. */
bool chek_receipt_is_personal(const struct chek_receipt *receipt);

/* Bytes of arena that any scan is content with, alignment included. */
#define CHEK_SCAN_ARENA_SIZE 131072

/*
 * Memory that stores share: those of one shard, so that it is filled by all of them.
 *
 *   Ownership  destroy it after its stores; takes NULL
 *   Errors     -ENOMEM
 *   Threads    its stores'
 */
struct chek_store_pool;
CHEK_MUST_USE int chek_store_pool_create(struct chek_store_pool **ret);
void chek_store_pool_destroy(struct chek_store_pool *pool);

/* What was done for readers of the pool's stores: counts that only grow. A view has its own. */
struct chek_store_effort {
    uint64_t rows;      /* looked at by scans, sums and searches, and cells of hour tables */
    uint64_t documents; /* read */
    uint64_t bytes;     /* of images */
};

/* Ownership: the pool's. */
const struct chek_store_effort *chek_store_pool_effort(const struct chek_store_pool *pool);

/*
 * Tell which memory the pool's stores will use next and is to be populated; false when enough is
 * there. It counts as done from here on.
 *
 *   Cost  two comparisons, mostly
 */
bool chek_store_pool_ahead(struct chek_store_pool *pool, struct chek_memory_ahead *ret);

struct chek_store_config {
    struct chek_store_pool *pool;  /* NULL = one of its own */
    uint16_t partition;            /* that the rows belong to: its chain says so */
    uint32_t dictionary_count_max; /* entries of a dictionary; values beyond are stored plain */
    uint32_t dictionary_size_max;  /* bytes of their text */
    uint32_t segment_row_count;    /* rows that are sealed together; CHEK_SEGMENT_RECEIPT_COUNT */
    uint32_t segment_row_first;    /* of the first segment, so that stores of equal load do not seal
                                    * at the same time; at most segment_row_count; 0 = as many */
    uint32_t segment_merge_count; /* segments that are merged; 0 = CHEK_MERGE_COUNT, at most that */
    uint64_t index_seed;          /* spreads the indices in memory; changes no answer */
};

struct chek_store_counters {
    uint64_t row_count, line_count;
    uint32_t segment_count;
    uint32_t kept_count;   /* of these, without what their documents said (keep.h) */
    uint32_t merged_count; /* of these, made of several; kept ones too */
    uint32_t open_row_count;
    uint64_t merge_count;     /* merges since the store was made or loaded */
    uint64_t segment_size;    /* bytes of sealed segments in memory */
    uint64_t hour_size;       /* of these, of hour tables */
    uint64_t open_size;       /* bytes of open rows */
    uint64_t dictionary_size; /* text and index of dictionaries */
};

/*
 * Make an empty store.
 *
 *   Errors     -ENOMEM
 */
CHEK_MUST_USE int chek_store_create(const struct chek_store_config *config,
                                    struct chek_store **ret);
void chek_store_destroy(struct chek_store *store); /* takes NULL */

/*
 * Make sure that `row_count` rows, whose documents come to `document_size` bytes encoded and whose
 * cells to `cell_size`, can be appended without an allocation failing: what apply needs is
 * reserved before a command is logged. Lines, taxes and texts are bounded by the bytes that say
 * them.
 *
 *   Errors     -ENOMEM; nothing changes
 */
CHEK_MUST_USE int chek_store_ensure(struct chek_store *store, uint32_t row_count,
                                    size_t document_size, size_t cell_size);

/* Start loading what appending to a registration, or finding its newest rows, touches first. */
void chek_store_prefetch(const struct chek_store *store, uint32_t registration);

/*
 * Append a row: exactly one of document->receipt, ->movement, ->close is set, as row->kind says.
 *
 *   Ownership  borrows everything for the call
 *   Errors     none: room was ensured (asserted), shapes were validated, and it is no larger than
 *              a command may be
 *   Cost       about 100 ns; no allocation, no system call
 */
void chek_store_append(struct chek_store *store, const struct chek_row *row,
                       const struct chek_document *document);

/*
 * Read one row back, equal in every field to what was appended (texts, order of lists, presence).
 *
 *   Ownership  *document and the cell are in `arena`; texts of dictionaries are the store's, which
 *              never moves or frees them
 *   Errors     NOT_FOUND; REMOVED (keep.h); LIMIT when the arena is too small; CORRUPT from a
 *              sealed page; outputs are unchanged
 *   Cost       open rows: the registration's newer rows are walked; sealed: a binary search a
 *              segment, newest first, then one row of each column's page
 */
CHEK_MUST_USE int chek_store_read(const struct chek_store *store, uint32_t registration,
                                  uint32_t ordinal, struct chek_arena *arena,
                                  struct chek_row *ret_row, struct chek_document *ret_document);

/*
 * Mark a row as replaced by a fuller copy: scans skip it, reads show `replaced`.
 *
 *   Errors     NOT_FOUND; nothing changes
 */
CHEK_MUST_USE int chek_store_replace(struct chek_store *store, uint32_t registration,
                                     uint32_t ordinal);

/* ---- scans ---------------------------------------------------------------------------------- */

/* Which rows a scan wants; zero means no bound. Bounds are inclusive. */
struct chek_scan_filter {
    const uint32_t *registrations; /* ascending; NULL = all */
    uint32_t registration_count;
    int64_t time_min, time_max; /* civil; max 0 = none */
    uint32_t shift_min, shift_max;
    uint32_t ordinal_min; /* with one registration: go on from here */
    uint32_t warnings;    /* any of these bits */
    bool with_replaced;
};

/* One row as a scan shows it: sums only, no texts. All amounts as on the document. */
struct chek_scan_row {
    struct chek_row row; /* without its cell */
    int64_t time;
    uint8_t operation; /* or direction of a movement */
    bool offline;
    uint32_t position_count; /* commodity lines that are not stornos */
    int64_t gross;           /* commodity sums less storno sums */
    int64_t total;
    int64_t payments[CHEK_PAYMENT_KIND_COUNT]; /* cash less change when payments exceed total */
    int64_t tax;
    uint32_t document;
    uint64_t sign, autonomous;
};

/* Return false to stop the scan. */
typedef bool (*chek_scan_fn)(void *context, const struct chek_scan_row *row);

/*
 * Call `on_row` for every row that the filter lets through: segments oldest first, then open
 * rows; within a segment by (registration, ordinal), within the open rows by arrival. Pages whose
 * zone map excludes them are not decoded.
 *
 *   Errors     CORRUPT from a sealed page (rows before it were shown); LIMIT when arena is small
 *   Cost       about 20 ns a row that is decoded; all open rows are looked at, or with one
 *              registration in the filter those of its chain (store/set.h)
 */
CHEK_MUST_USE int chek_store_scan(const struct chek_store *store,
                                  const struct chek_scan_filter *filter, struct chek_arena *arena,
                                  chek_scan_fn on_row, void *context);

/* ---- sealing -------------------------------------------------------------------------------- */

/*
 * Hand out the oldest full set, when none of the store is being sealed; NULL when there is none or
 * no memory for it.
 *
 *   Ownership  the job is the store's; it ends with chek_seal_adopt() or chek_seal_drop()
 */
struct chek_seal *chek_store_seal_begin(struct chek_store *store);

/* Whether there is a full set that nobody seals yet. */
bool chek_store_seal_is_due(const struct chek_store *store);

/* Encode the segment; texts get their codes. Threads: any one; the shard reads and appends. */
void chek_seal_run(void *seal);

/*
 * Swap the segment in for its set, or, when it could not be made, leave all as it was; begin again
 * either way. While chek_store_image_is_open() it has to wait: the image may still need the set.
 * Cost: O(1), plus giving back a block for every 128 rows.
 */
void chek_seal_adopt(struct chek_seal *seal);
void chek_seal_drop(struct chek_seal *seal);

/* Place of a segment within its store, from 0 in the order of its rows' sealing; its bytes as in
 * the file of persist/FORMAT.md "Segment". Merging changes places (merge.h). */
uint32_t chek_segment_count(const struct chek_store *store);
struct chek_bytes_view chek_segment_bytes(const struct chek_store *store, uint32_t index);

/* ---- chain ---------------------------------------------------------------------------------- */

#define CHEK_CHAIN_SIZE 32

/* How far the chain of a store reaches (engine/store/chain.h), and its head. */
struct chek_chain {
    uint64_t range_count;
    uint64_t row_count; /* of all ranges: the rows that came first */
    uint8_t head[CHEK_CHAIN_SIZE];
};

/* The chain over all sealed ranges. Ownership: the store's, until one is adopted. */
const struct chek_chain *chek_store_chain(const struct chek_store *store);

/* Rows of the store before a range: ranges are the rows that are sealed together, from 0. */
uint64_t chek_store_range_first(const struct chek_store *store, uint64_t range);

/* Whether the chain covers a row; false also when there is no such row. Cost: finds the row. */
bool chek_store_is_covered(const struct chek_store *store, uint32_t registration, uint32_t ordinal);

/* ---- images, for snapshots ------------------------------------------------------------------ */

/*
 * Write everything that is not a sealed segment (open rows, dictionaries, replaced bits) as bytes.
 *
 *   Errors     none; out->full when it does not fit (chek_store_image_size() says how much)
 */
size_t chek_store_image_size(const struct chek_store *store);
void chek_store_image_write(const struct chek_store *store, struct chek_writer *out);

/* A step writes at most this much beyond the work that it was given. */
#define CHEK_STORE_PIECE_SIZE_MAX 131072

/*
 * Begin an image of what the store is now, the bytes that chek_store_image_write() would write, to
 * be written in steps while rows are appended and replaced. Sealing may begin and run, its segments
 * are adopted after the end. One image at a time.
 *
 *   Errors     -ENOMEM; no image is begun
 *   Cost       O(open sets)
 */
CHEK_MUST_USE int chek_store_image_begin(struct chek_store *store);
bool chek_store_image_is_open(const struct chek_store *store);

/*
 * Write on, for about as long as copying `work` bytes takes; true when the image is whole.
 *
 *   Ownership  `out` has room for work + CHEK_STORE_PIECE_SIZE_MAX (asserted)
 */
CHEK_MUST_USE bool chek_store_image_step(struct chek_store *store, size_t work,
                                         struct chek_writer *out);
void chek_store_image_end(struct chek_store *store); /* harmless when none is open */

/*
 * Rebuild a store from its image and the bytes of its segments in order.
 *
 *   Ownership  segment bytes are copied; views may go afterwards
 *   Errors     CORRUPT, VERSION, -ENOMEM; *ret is unchanged
 */
CHEK_MUST_USE int chek_store_load(const struct chek_store_config *config,
                                  struct chek_bytes_view image,
                                  const struct chek_bytes_view *segments, uint32_t segment_count,
                                  struct chek_store **ret);

/*
 * A hash of logical history kept at every append: equal for equal rows in equal order, whatever
 * is sealed. Part of the partition's state hash.
 */
uint64_t chek_store_history_hash(const struct chek_store *store);

struct chek_store_counters chek_store_count(const struct chek_store *store);

#endif
