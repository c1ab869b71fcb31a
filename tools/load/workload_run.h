/* SPDX-License-Identifier: MIT */
/*
 * workload_run.h - a workload's inside, shared by the files that make it.
 */
#ifndef CHEK_LOAD_WORKLOAD_RUN_H
#define CHEK_LOAD_WORKLOAD_RUN_H

#include "engine/base/checksum.h"
#include "engine/base/prng.h"
#include "tools/load/workload.h"

#define WORKLOAD_PRODUCT_COUNT 50000
#define WORKLOAD_CLIENT_COUNT 500000
#define WORKLOAD_FIRST_TIME 1767225600 /* 2026-01-01T00:00:00 */
#define WORKLOAD_RATE 16000            /* 16 % */
#define WORKLOAD_PIECE 1000000         /* of a quantity */
#define WORKLOAD_SECTION_COUNT 8
#define WORKLOAD_NAME_SIZE_MIN 8
#define WORKLOAD_NAME_SIZE_MAX 60
#define WORKLOAD_NEVER UINT32_MAX

/* What the draws of one receipt came to. */
struct load__draft {
    uint64_t sign;
    uint32_t register_index;
    uint32_t client;
    uint32_t product[CHEK_WORKLOAD_LINE_COUNT_MAX];
    uint32_t price[CHEK_WORKLOAD_LINE_COUNT_MAX];
    uint8_t pieces[CHEK_WORKLOAD_LINE_COUNT_MAX];
    uint8_t line_count;
    uint8_t operation;
    uint8_t payment;
    bool has_client;
    bool is_offline;
};

/* A receipt that is made again later: where its draws begin, and what the stream gave it. */
struct load__capsule {
    struct chek_prng draws;
    uint32_t time;
    uint32_t document;
    uint32_t shift;
    uint32_t arrival; /* civil: when it is to be sent */
    uint32_t order;   /* among those of one arrival */
    uint8_t fate;
    bool is_late;
};

struct load__register {
    uint32_t registration;
    uint32_t document; /* the last number given out */
    uint32_t shift;    /* the last number given out */
    bool is_open;
};

/*
 * The beginning of a line (mask, code, name, section), encoded once: its size in the first byte of
 * a slot, then its bytes. Without names a slot is 16 bytes, and all of them stay in a cache.
 */
#define WORKLOAD_SLOT_SIZE_A 16
#define WORKLOAD_SLOT_SIZE_B 80

/* Integer weights 2^40 / rank, summed up; a draw is looked up beginning at a guess. */
struct load__zipf {
    uint64_t *sums; /* sums[k] = of the weights of 0..k */
    uint32_t *guide;
    uint32_t count;
};

#define WORKLOAD_GUIDE_COUNT 65536

/* A heap of capsules by (arrival, order). */
struct load__held {
    struct load__capsule *items;
    size_t count, capacity;
};

struct chek_workload {
    struct chek_workload_options options;
    struct chek_prng draws;
    uint32_t register_count;
    uint32_t day_count;
    uint64_t receipt_next; /* index of the next new receipt */
    uint32_t day;          /* days since the first, of the last new receipt */
    uint32_t closing_at;   /* register to look at next, while the day's shifts are being closed */
    bool is_closing;
    bool ended; /* the last new receipt was made and all shifts were closed */
    struct load__register *registers;
    uint8_t *products; /* WORKLOAD_PRODUCT_COUNT slots */
    size_t slot_size;
    struct chek_workload_counters counters;
    struct chek_checksum_stream hash;

    /* Profile B. */
    struct load__zipf zipf;
    uint32_t *organisations; /* of the registers */
    uint32_t *points;        /* inside the organisation */
    struct chek_prng fates;
    struct load__held held;          /* late receipts, and copies that come within a second */
    struct load__capsule *reservoir; /* a uniform sample of what was sent */
    uint64_t reservoir_seen;
    struct load__capsule far; /* a copy to be sent now */
    bool has_far;
    uint32_t order;
};

/* workload_text.c: products as they begin a line, and who owns which register */
CHEK_MUST_USE int load__texts_make(struct chek_workload *workload);

/* workload_zipf.c */
CHEK_MUST_USE int load__zipf_init(struct load__zipf *zipf, uint32_t count);
void load__zipf_finish(struct load__zipf *zipf);
/* A rank, 0 the most frequent. */
uint32_t load__zipf_draw(const struct load__zipf *zipf, struct chek_prng *prng);

/* workload_encode.c: one receipt, one close; both fill in the amounts and the size */
void load__receipt_encode(const struct chek_workload *workload, const struct load__draft *draft,
                          uint8_t *to, struct chek_workload_document *document);
void load__close_encode(const struct chek_workload *workload, uint8_t *to,
                        struct chek_workload_document *document);
/* The size of a number's shortest form. */
size_t load__number_size(uint32_t value);

/* workload_life.c: what profile B adds */
CHEK_MUST_USE int load__life_init(struct chek_workload *workload);
void load__life_finish(struct chek_workload *workload);
/* The civil time of the index-th new receipt, on the daily curve. */
uint32_t load__curve_time(const struct chek_workload *workload, uint64_t index);
/* A copy or a late receipt that is due at `now`, if there is one. */
bool load__due(struct chek_workload *workload, uint32_t now, struct load__capsule *ret);
/*
 * Decide about a receipt that was just drawn. False: it is late, kept, and not sent now.
 */
bool load__fate_decide(struct chek_workload *workload, struct load__capsule *capsule);
/* A receipt was sent for the first time: it may be copied from now on. */
void load__sent(struct chek_workload *workload, const struct load__capsule *capsule);

/* workload.c: the draws of one receipt */
void load__draw(const struct chek_workload *workload, struct chek_prng *draws,
                struct load__draft *ret);

#endif
