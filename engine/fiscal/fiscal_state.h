/* SPDX-License-Identifier: MIT */
/*
 * fiscal_state.h - the heap objects that registrations and shifts are made of. (format)
 *
 * Inside the room only. Objects are zero when made; every hole is a field named zero, so equal
 * histories are equal bytes. README.md "Objects" draws how they hang together.
 */
#ifndef CHEK_FISCAL_FISCAL_STATE_H
#define CHEK_FISCAL_FISCAL_STATE_H

#include "engine/base/assertion.h"
#include "engine/fiscal/fiscal.h"
#include "engine/fiscal/ordered_index.h"

#define FISCAL__SECTION_BUCKETS 8
#define FISCAL__OPERATOR_BUCKETS 4
#define FISCAL__TAX_BUCKETS 4
#define FISCAL__ROW_KEY_INLINE_MAX 24
#define FISCAL__LATE_CHUNK_COUNT 14
#define FISCAL__WARNING_COUNT_MAX 32

/* F23: absolute sums of a shift, and the drawer, stay at or below this. Twice it fits 64 bits, so
 * that a withdrawal of the whole drawer always has room. */
#define FISCAL__MAGNITUDE_MAX (INT64_MAX / 2)

/* The kinds of rows that a cell keeps by key. */
enum fiscal__row_set { FISCAL__SECTIONS, FISCAL__OPERATORS, FISCAL__TAXES, FISCAL__ROW_SET_COUNT };

/* One register under one organisation. */
struct fiscal__registration {
    uint32_t id;
    chek_page_ref next; /* in the order of registering */
    uint32_t ordinal_next;
    uint32_t shift_last;  /* highest number that was opened */
    chek_page_ref shift;  /* the open one */
    uint32_t number_last; /* highest regular number */
    uint32_t run_ordinal; /* the run of numbers that ends with number_last: its first ordinal */
    uint32_t run_count;
    struct fiscal__index runs;            /* earlier runs: first number -> first ordinal, count */
    struct fiscal__index shifts;          /* closed shift -> ordinal of its close row, late */
    struct fiscal__index completions;     /* ordinal -> ordinal of the fuller copy */
    int64_t time_last;                    /* latest time of a document */
    int64_t numberless_time_last;         /* ... of one without a number */
    int64_t cash;                         /* in the drawer now */
    chek_i128 sums[CHEK_OPERATION_COUNT]; /* non-nullable */
    chek_page_ref binding;                /* the newest */
    uint16_t binding_count;
    uint16_t currency;
    uint16_t country;
    int16_t zone_minutes;
    chek_page_ref keys;
    chek_page_ref organisation; /* texts */
    chek_page_ref organisation_name;
    chek_page_ref model;
    chek_page_ref warned;       /* how often what was found; 0 = nothing ever */
    uint32_t removed;           /* documents below this ordinal were removed, but for closes */
    struct fiscal__index noted; /* numbers of reports, which have no rows: first number -> count */
    uint32_t zero;
};

/* From when on a registration stands at which trade point. */
struct fiscal__binding {
    chek_page_ref previous;
    uint16_t index;
    uint16_t zero;
    chek_page_ref point; /* texts */
    chek_page_ref point_name;
    chek_page_ref address;
    uint32_t zero_too;
    uint64_t since_us;
};

/* A name of a register; `size` bytes of the value follow. */
struct fiscal__key {
    chek_page_ref next;
    uint8_t kind;
    uint8_t size;
    uint16_t zero;
};

/* The open shift. */
struct fiscal__shift {
    uint32_t number;
    chek_page_ref cells; /* by binding, newest first */
    int64_t opened, last;
    int64_t cash_start;
    uint64_t magnitude; /* F23 */
    uint64_t documents;
    chek_i128 start[CHEK_OPERATION_COUNT];
};

/* What came for a closed shift. */
struct fiscal__late {
    uint32_t revision;
    chek_page_ref cells;
    chek_page_ref ordinals; /* chunks, newest first */
    uint32_t close;         /* ordinal + 1 of the register's own close, when the engine was first */
    int64_t cash;           /* what these documents moved in the drawer */
    int64_t last;
    uint64_t magnitude;
};

struct fiscal__late_chunk {
    chek_page_ref previous;
    uint32_t count;
    uint32_t ordinals[FISCAL__LATE_CHUNK_COUNT];
};

struct fiscal__movement {
    uint32_t count;
    uint32_t offline;
    int64_t sum;
};

/* How many documents of a registration that stand are marked with each warning, and how often what
 * marks no document happened. Stays at the largest number rather than pass it. */
struct fiscal__warned {
    uint32_t counts[FISCAL__WARNING_COUNT_MAX]; /* by enum chek_warning */
};

/* Totals of a shift at one binding. */
struct fiscal__cell {
    chek_page_ref next;
    uint16_t binding;
    uint16_t row_counts[FISCAL__ROW_SET_COUNT]; /* without OTHER rows */
    uint32_t zero;
    chek_page_ref operations[CHEK_OPERATION_COUNT];
    chek_page_ref rows[FISCAL__SECTION_BUCKETS + FISCAL__OPERATOR_BUCKETS + FISCAL__TAX_BUCKETS];
    struct fiscal__movement movements[CHEK_DIRECTION_COUNT];
};

/* What the tickets of one operation come to; ordered by how often a receipt writes it. */
struct fiscal__operation {
    uint32_t tickets, offline;
    uint64_t positions;
    int64_t gross, net;
    int64_t discount_sum, markup_sum;
    uint64_t discount_count, markup_count;
    int64_t payment_sums[CHEK_PAYMENT_KIND_COUNT];
    uint32_t payment_counts[CHEK_PAYMENT_KIND_COUNT];
    int64_t ticket_discount, ticket_markup;
    int64_t change;
};

/* A section, an operator or a tax in one operation. */
struct fiscal__row {
    chek_page_ref next;
    chek_page_ref text; /* the key when it is longer than what is inline; its begin is inline */
    uint8_t key_size;
    uint8_t operation;
    uint8_t other; /* all keys that came when the rows were full */
    uint8_t zero;
    uint32_t zero_too;
    int64_t count; /* positions of a section, tickets of an operator */
    int64_t sum;
    int64_t turnover; /* of a tax */
    uint8_t key[FISCAL__ROW_KEY_INLINE_MAX];
};

_Static_assert(sizeof(struct fiscal__registration) == 192, "format");
_Static_assert(offsetof(struct fiscal__registration, sums) == 80, "format");
_Static_assert(offsetof(struct fiscal__registration, noted) == 180, "format");
_Static_assert(sizeof(struct fiscal__binding) == 32, "format");
_Static_assert(sizeof(struct fiscal__key) == 8, "format");
_Static_assert(sizeof(struct fiscal__shift) == 112, "format");
_Static_assert(sizeof(struct fiscal__late) == 40, "format");
_Static_assert(sizeof(struct fiscal__late_chunk) == 64, "format");
_Static_assert(sizeof(struct fiscal__warned) == 128, "format");
_Static_assert((int)CHEK_WARNING_COUNT <= FISCAL__WARNING_COUNT_MAX, "each has a place");
_Static_assert(sizeof(struct fiscal__cell) == 128, "format");
_Static_assert(sizeof(struct fiscal__operation) == 184, "format");
_Static_assert(sizeof(struct fiscal__row) == 64, "format");

static inline const struct chek_fiscal_root *
fiscal__root(const struct chek_fiscal *fiscal)
{
    const uint8_t *root = chek_page_heap_root(fiscal->heap);
    return (const void *)(root + fiscal->root_offset);
}

static inline struct chek_fiscal_root *
fiscal__root_change(struct chek_fiscal *fiscal)
{
    uint8_t *root = chek_page_heap_root_change(fiscal->heap);
    return (void *)(root + fiscal->root_offset);
}

/* Allocate what chek_fiscal_ensure() made room for. */
static inline chek_page_ref
fiscal__allocate(struct chek_page_heap *heap, uint32_t size)
{
    chek_page_ref ref = chek_page_heap_allocate(heap, size);
    CHEK_ASSERT(ref != 0);
    return ref;
}

/* The record of a registration; NULL when there is none. */
const struct fiscal__registration *fiscal__registration_find(const struct chek_fiscal *fiscal,
                                                             uint32_t registration,
                                                             chek_page_ref *ret_ref);

#endif
