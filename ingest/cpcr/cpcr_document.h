/* SPDX-License-Identifier: MIT */
/*
 * cpcr_document.h - a request of a Kazakh register as a document of the engine.
 *
 *   Rules    ingest/CPCR.md R40.. (tickets), R50.. (placements, closes)
 *   Threads  any: no state
 */
#ifndef CHEK_INGEST_CPCR_DOCUMENT_H
#define CHEK_INGEST_CPCR_DOCUMENT_H

#include "engine/wire/protocol.h"
#include "ingest/cpcr/cpcr_message.h"

/* What the engine adds to a document. */
struct chek_cpcr_terms {
    uint64_t sign; /* the fiscal sign that it gets */
    uint32_t registration;
    bool without_autonomous; /* R76 */
};

/*
 * Make the document of a TICKET, MONEY_PLACEMENT or CLOSE_SHIFT (asserted) and check it. The value of
 * a customer is in `buyer` and `persons`, in clear: who logs the document takes it out before (subject.h).
 *
 *   Ownership  everything in *ret is in `arena` or in the message
 *   Returns    CHEK_CPCR_OK, or the code in *fault; *ret is then anything
 */
CHEK_MUST_USE uint32_t chek_cpcr_to_document(const struct chek_cpcr_message *message,
                                             const struct chek_cpcr_terms *terms,
                                             struct chek_arena *arena, struct chek_document *ret,
                                             struct chek_cpcr_fault *fault);

/* Whether the document was made while the register was offline: what is on paper is not refused. */
bool chek_cpcr_is_offline(const struct chek_cpcr_message *message);

/* Its time, civil, and the shift that it states (0: none). CHEK_CPCR_OK, or the code in *fault. */
CHEK_MUST_USE uint32_t chek_cpcr_civil(const Ingest__DateTime *when, const char *field,
                                       int64_t *ret, struct chek_cpcr_fault *fault);
CHEK_MUST_USE uint32_t chek_cpcr_money(const Ingest__Money *money, const char *field, int64_t *ret,
                                       struct chek_cpcr_fault *fault);

/* cpcr_item.c: the items of a ticket become lines; the taxes of anything. */
CHEK_MUST_USE uint32_t ingest__cpcr_lines(const Ingest__TicketRequest *ticket,
                                          struct chek_arena *arena, struct chek_receipt *ret,
                                          struct chek_cpcr_fault *fault);
CHEK_MUST_USE uint32_t ingest__cpcr_taxes(Ingest__Tax *const *taxes, size_t count,
                                          struct chek_arena *arena, const struct chek_tax **ret,
                                          uint32_t *ret_count, struct chek_cpcr_fault *fault);
CHEK_MUST_USE uint32_t ingest__cpcr_modifier(const Ingest__Modifier *modifier, const char *field,
                                             struct chek_arena *arena,
                                             const struct chek_modifier **ret,
                                             struct chek_cpcr_fault *fault);

/* Values of the protocol's enums as ours; all are known: they were looked at before (R10). */
uint8_t ingest__cpcr_operation(Ingest__OperationType type);
uint8_t ingest__cpcr_payment(Ingest__PaymentType type);

/* cpcr_stated.c: a Z of a register as the bytes of `close.figures` (R53); empty when there are too
 * many. False: the arena is too small. */
CHEK_MUST_USE bool ingest__cpcr_stated(const Ingest__ZxReport *from, struct chek_arena *arena,
                                       struct chek_bytes_view *ret);

/* Incorrect data, and no memory for more of it: the arena is larger than any message may use. */
uint32_t ingest__cpcr_incorrect(struct chek_cpcr_fault *fault, const char *field, const char *what);

static inline struct chek_bytes_view
ingest__cpcr_view(ProtobufCBinaryData data)
{
    return chek_bytes_view_of(data.data, data.len);
}

#endif
