/* SPDX-License-Identifier: MIT */
/*
 * cpcr_nomenclature.h - what an organisation's registers sell, as a register hears it.
 *
 *   Rules    ingest/CPCR.md R90..R97
 *   Threads  any: no state
 */
#ifndef CHEK_INGEST_CPCR_NOMENCLATURE_H
#define CHEK_INGEST_CPCR_NOMENCLATURE_H

#include "engine/wire/protocol.h"
#include "ingest/cpcr/cpcr_frame.h"
#include "ingest/cpcr/kkm.pb-c.h"

/* Bytes of all elements in an answer: with head, result and service block it is a frame (R2). */
#define CHEK_CPCR_NOMENCLATURE_SIZE_MAX (CHEK_CPCR_FRAME_SIZE_MAX - 16 * 1024)
#define CHEK_CPCR_BARCODE_SIZE_MAX 64

/* What NOMENCLATURE asks for. */
struct chek_cpcr_goods {
    uint64_t version; /* that the register has; 0: none */
    bool has_barcode;
    uint8_t barcode_size; /* 0: it is longer than any */
    uint8_t barcode[CHEK_CPCR_BARCODE_SIZE_MAX];
};

/*
 * Whether registers can be given this: elements are there, their ids differ and are not 0, each has a
 * title, the group that an element is in stands before it, and all of them fit a frame.
 *
 *   Errors     FIELD_MISSING, EXISTS, RANGE, NOT_FOUND, LIMIT, with field and index in *fault
 *   Cost       3 ms for the largest
 */
CHEK_MUST_USE int chek_cpcr_nomenclature_check(const struct chek_nomenclature *what,
                                               struct chek_arena *arena, struct chek_fault *fault);

/* What a request asks for. */
void ingest__cpcr_goods_take(const Ingest__NomenclatureRequest *asked, struct chek_cpcr_goods *ret);

/*
 * The answer, from what is held; NULL for `held`: nothing was loaded (R93).
 *
 *   Ownership  it is in `arena`, its texts are those of `held`
 *   Returns    NULL: no memory
 */
Ingest__NomenclatureResponse *ingest__cpcr_goods_answer(const struct chek_cpcr_goods *asked,
                                                        const struct chek_nomenclature *held,
                                                        struct chek_arena *arena);

#endif
