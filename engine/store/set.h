/* SPDX-License-Identifier: MIT */
/*
 * set.h - open rows, and the store that holds them (of this room only).
 *
 * An open row is its document as it came, byte for byte, and a head of two cache lines with all
 * that a scan or a look-up wants of it. So appending writes to two places that go on where the row
 * before ended, however many registers, products and clients there are; what costs more, taking
 * documents apart into columns and looking texts up, is done once for a whole set on a worker.
 *
 * A set is the rows that will be sealed together, in the order they came, and a small table by
 * which the rows of a registration are found from the newest on. What a set holds never moves, so
 * a worker can encode a full one while rows are appended to the next.
 */
#ifndef CHEK_STORE_SET_H
#define CHEK_STORE_SET_H

#include "engine/store/chain.h"
#include "engine/store/columns.h"
#include "engine/store/dictionary.h"
#include "engine/store/pool.h"
#include "engine/store/store.h"

/* Longest of the strings that a row may hold: the frozen totals of a shift. */
#define STORE__TEXT_SIZE_MAX 65536

#define STORE__MARKING_COUNT_MAX 16             /* of a line; protocol.def */
#define STORE__SEGMENT_ROW_COUNT_MAX (1u << 18) /* so that rows of any table fit 32 bits */

_Static_assert(CHEK_REGISTER_SIZE_MAX <= STORE__TEXT_SIZE_MAX, "a profile is a text");
_Static_assert(STORE__DICTIONARY_TEXT_SIZE_MAX <= STORE__TEXT_SIZE_MAX, "so is a code's text");

/*
 * An open row. Not stored: all of it follows from the document, its cell and what
 * chek_store_append() was told.
 */
struct store__row {
    uint32_t registration;
    uint32_t ordinal;
    uint32_t previous; /* row + 1 in this set, in the same chain; 0 = none */
    uint32_t shift;
    const uint8_t *bytes; /* the document, its cell, and its payments if there are several */
    uint32_t document_size, cell_size;
    uint32_t completes, warnings;
    uint32_t time; /* civil */
    uint32_t number;
    uint64_t received;
    uint64_t sign;
    uint64_t autonomous;
    int64_t total, gross, tax;
    int64_t paid; /* by the only payment, less change when that exceeds the total */
    uint16_t binding;
    uint16_t flags; /* enum store__flag */
    uint16_t line_count, position_count, tax_count, marking_count;
    uint8_t operation;
    uint8_t payment_count;
    uint8_t payment_kind; /* of the only payment */
    uint8_t unused[9];
};

_Static_assert(sizeof(struct store__row) == 2 * CHEK_CACHE_LINE_SIZE, "two lines");
_Static_assert(CHEK_LINE_COUNT_MAX *(CHEK_TAX_COUNT_MAX + STORE__MARKING_COUNT_MAX) <= UINT16_MAX,
               "counts of a row");

#define STORE__BLOCK_SHIFT 7
#define STORE__BLOCK_ROW_COUNT (1u << STORE__BLOCK_SHIFT)

_Static_assert(CHEK_CHUNK_RECEIPT_COUNT % STORE__BLOCK_ROW_COUNT == 0, "blocks make a chunk");

/* Sums by kind of a row with several payments stand behind its cell. */
#define STORE__PAYMENTS_SIZE (CHEK_PAYMENT_KIND_COUNT * sizeof(int64_t))

/* Bytes of a row that are larger have a block of their own. */
#define STORE__SMALL_SIZE_MAX 16384
#define STORE__LARGE_SIZE_MAX \
    (CHEK_COMMAND_BODY_SIZE_MAX + STORE__TEXT_SIZE_MAX + STORE__PAYMENTS_SIZE + 8)
#define STORE__LINK_SIZE 8 /* blocks of bytes begin with where the one before them is */
#define STORE__LARGE_BLOCK_SIZE ((STORE__LARGE_SIZE_MAX + STORE__LINK_SIZE) / 4096 * 4096 + 4096)

/* Rows of all registrations hang in so many chains: most sets have rows of fewer. */
#define STORE__CHAIN_COUNT 1024

struct store__set {
    struct store__set *next; /* newer one, or the next spare one */
    uint32_t row_count;
    uint32_t row_count_max; /* when it is full */
    uint32_t row_capacity;  /* that it has tables for */
    uint32_t row_block_count;
    struct store__row **row_blocks;
    uint8_t *newest_blocks[STORE__BLOCK_KIND_COUNT]; /* of bytes: each names the one before it */
    uint32_t bytes_at;                               /* used of the newest block of bytes */
    uint32_t line_count;                             /* of all rows */
    uint64_t document_size, cell_size;
    uint32_t *newest;   /* STORE__CHAIN_COUNT: the newest row + 1 of a chain; 0 = none */
    uint64_t *replaced; /* a bit a row */
    uint32_t replaced_count;
    uint64_t retired_at; /* number of the last view that may show it; it was sealed since */
};

/* What may still be appended before chek_store_ensure() has to look again. */
struct store__credit {
    uint32_t rows;
    size_t document_size, cell_size;
};

/* What is known of a dictionary to those who read: the rest is a worker's that seals. */
struct store__texts {
    uint32_t count;
    uint64_t size;
};

/* A set on its way to a segment. */
struct chek_seal {
    struct chek_store *store;
    struct store__set *set; /* NULL: none */
    struct store__sealer *sealer;
    uint64_t first_row;
    struct chek_segment *segment; /* NULL until the worker was done, or when it had no memory */
    struct chek_chain chain;      /* with the set's link, when the worker was done */
    bool stock_ended;             /* there were too few pieces for new texts */
};

/* Rows that were replaced since a view was opened: the shard adds, a worker that reads looks. */
struct store__late_slot {
    const uint64_t *bits; /* of the row's segment or set */
    uint32_t row;
    uint32_t opening; /* of the view; another one: the slot is empty */
};

struct store__late {
    struct store__late_slot *slots;
    uint32_t slot_mask;
    uint32_t count, count_max;
    uint32_t opening;
    bool is_ended; /* there were more than fit */
};

struct store__image;

struct chek_store {
    struct chek_store_config config;
    struct store__pool pool;
    struct store__dictionary *dictionaries; /* STORE__DICTIONARY_COUNT; a worker's that seals */
    struct store__texts texts[STORE__DICTIONARY_COUNT]; /* in sealed rows */
    uint64_t dictionary_size;                           /* bytes of memory, as of then */
    struct store__set *oldest, *newest;                 /* open sets; the newest takes rows */
    struct store__set *spare;
    uint32_t spare_count;
    struct store__credit credit;
    struct chek_segment **segments;
    uint32_t segment_count, segment_count_max;
    uint32_t kept_count;       /* of `segments`, in front of all others (keep.h) */
    uint32_t merged_count;     /* of `segments`, in front of the others; kept ones too */
    uint32_t merged_set_count; /* sets that were sealed into these */
    bool is_merging;
    bool is_unmergeable;  /* a segment that would be merged is damaged: not before the next start */
    bool is_unkeepable;   /* the same of the next one that would be kept */
    uint64_t merge_count; /* adopted */
    uint64_t history_hash;
    struct chek_chain chain; /* over the sealed rows */
    uint64_t row_count, line_count;
    uint64_t sealed_row_count;
    uint64_t segment_size; /* bytes in memory for all segments */
    uint64_t hour_size;    /* of these, of hour tables as they are stored */
    struct chek_seal seal;
    struct store__image *image; /* being written while the store goes on, or NULL */
    struct chek_cold *cold;     /* what is wished for while the shard asks, or NULL */
    struct store__group_place {
        uint32_t segment, group;
    } clock, scrub; /* that is looked at next, to leave memory; to be compared with its file */
    uint32_t stock_wanted;            /* pieces to seal with */
    uint8_t *scratch;                 /* a document encoded, when it comes without its bytes */
    struct chek_view *views;          /* open ones */
    uint64_t view_number;             /* of the last one that was opened */
    struct store__set *retired;       /* sealed, and shown by a view; in the order of sealing */
    const struct store__late *late;   /* of a view: rows to be shown as not replaced */
    struct chek_store_effort *effort; /* of whoever reads it */
};

/* ---- sets ---- */

/* Make an empty set. Errors: -ENOMEM. */
CHEK_MUST_USE int store__set_create(uint32_t row_count_max, struct store__set **ret);

/* Give the blocks back to the pool and forget all rows. */
void store__set_clear(struct store__set *set, struct store__pool *pool);
void store__set_destroy(struct store__set *set); /* a cleared one */

static inline struct store__row *
store__set_row(const struct store__set *set, uint32_t index)
{
    return &set->row_blocks[index >> STORE__BLOCK_SHIFT][index & (STORE__BLOCK_ROW_COUNT - 1)];
}

/* Where the row goes that will be added next; its bytes are anything. */
struct store__row *store__set_row_add(struct store__set *set, struct store__pool *pool);

/* Take room for a row's bytes. */
uint8_t *store__set_bytes_add(struct store__set *set, struct store__pool *pool, size_t size);

/* Find an open row of a set: its index, or UINT32_MAX. */
uint32_t store__set_find(const struct store__set *set, uint32_t registration, uint32_t ordinal);

/* The newest row of a registration + 1; 0 when the set has none. */
uint32_t store__set_newest(const struct store__set *set, uint32_t registration);

/* The row of the same registration before `row`, + 1; 0 when the set has none. */
uint32_t store__set_previous(const struct store__set *set, uint32_t row);

/* Count a row that is written, and put it into its chain. `told` is what it was made of. */
void store__set_link(struct store__set *set, struct store__row *row, const struct chek_row *told,
                     uint32_t line_count, size_t document_size);

static inline struct chek_bytes_view
store__row_document(const struct store__row *row)
{
    return chek_bytes_view_of(row->bytes, row->document_size);
}

static inline struct chek_bytes_view
store__row_cell(const struct store__row *row)
{
    return row->cell_size != 0 ? chek_bytes_view_of(row->bytes + row->document_size, row->cell_size)
                               : (struct chek_bytes_view){0};
}

/* Where the sums of several payments stand, in a row's bytes. */
static inline size_t
store__payments_at(size_t document_size, size_t cell_size)
{
    return (document_size + cell_size + 7) & ~(size_t)7;
}

/* What chek_store_append() was told of a row. Ownership: the cell is the set's. */
static inline struct chek_row
store__row_told(const struct store__row *row, bool replaced)
{
    return (struct chek_row){
        .registration = row->registration,
        .ordinal = row->ordinal,
        .shift = row->shift,
        .completes = row->completes,
        .warnings = row->warnings,
        .binding = row->binding,
        .kind = row->flags & STORE__FLAG_KIND,
        .late = (row->flags & STORE__FLAG_LATE) != 0,
        .replaced = replaced,
        .received_us = row->received,
        .cell = store__row_cell(row),
    };
}

/*
 * Put a row behind the others of the newest set.
 *
 *   Ownership  borrows everything; `bytes` are the document's
 */
void store__row_append(struct chek_store *store, const struct chek_row *row,
                       const struct chek_document *document, struct chek_bytes_view bytes);

static inline bool
store__bit(const uint64_t *bits, uint32_t index)
{
    return (bits[index / 64] >> (index % 64) & 1) != 0;
}

/* ---- replaced rows, which a worker looks at while the shard sets bits ---- */

static inline uint32_t
store__late_hash(const uint64_t *bits, uint32_t row)
{
    uint64_t key = (uint64_t)(uintptr_t)bits / sizeof *bits + row;
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline bool
store__late_has(const struct store__late *late, const uint64_t *bits, uint32_t row)
{
    for (uint32_t at = store__late_hash(bits, row);; at++) {
        const struct store__late_slot *slot = &late->slots[at & late->slot_mask];
        if (__atomic_load_n(&slot->opening, __ATOMIC_ACQUIRE) != late->opening) {
            return false;
        }
        if (slot->bits == bits && slot->row == row) {
            return true;
        }
    }
}

/* Whether a reader of the store is to see a row as replaced. */
static inline bool
store__is_replaced(const struct chek_store *store, const uint64_t *bits, uint32_t row)
{
    uint64_t word = __atomic_load_n(&bits[row / 64], __ATOMIC_ACQUIRE);
    return (word >> (row % 64) & 1) != 0 &&
           (store->late == NULL || !store__late_has(store->late, bits, row));
}

/* 0: no row of the segment or set is replaced. */
static inline uint32_t
store__replaced_count(const uint32_t *count)
{
    return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* Note in every open view that a row is about to be replaced. */
void store__views_note(struct chek_store *store, const uint64_t *bits, uint32_t row);

/* Whether a view is open that was opened as this number or before. */
bool store__views_show(const struct chek_store *store, uint64_t number);

/* Take a set that was sealed apart, at once or when the last view that shows it is closed. */
void store__set_retire(struct chek_store *store, struct store__set *set);

/* ---- the store ---- */

/* The dictionary of a CODE column. */
uint32_t store__dictionary_of(enum store__column column);

/* Rows of a page of a segment with so many rows. */
uint32_t store__page_row_count(uint32_t segment_row_count);

/* Put an empty set behind the others; there is a spare one. */
struct store__set *store__set_begin(struct chek_store *store);

/* Show readers what the dictionaries hold; no worker is adding to them. */
void store__texts_publish(struct chek_store *store);

#endif
