/* SPDX-License-Identifier: MIT */
/*
 * check.h - is this document in shape? Asked before anything is logged.
 *
 * The decoder has checked each value against its type; here are the rules between values: sums that
 * must add up, what an operation needs, what excludes what. A document that passes can be applied,
 * whatever state the register is in. Pure: no state, no settings.
 *
 *   Rules    engine/fiscal/README.md, numbered C1...
 */
#ifndef CHEK_FISCAL_CHECK_H
#define CHEK_FISCAL_CHECK_H

#include "engine/wire/protocol.h"

/*
 * Check one document.
 *
 *   Errors     the code, the field's number and the list index in *fault; *ret_warnings unchanged
 *   Returns    CHEK_OK and the warnings (bits of enum chek_warning) that come with it
 */
CHEK_MUST_USE int chek_document_check(const struct chek_document *document, uint32_t *ret_warnings,
                                      struct chek_fault *fault);

/* The regular number of a document that passed; 0 when it has none. */
uint32_t chek_document_number(const struct chek_document *document);

/* Whether a report that passed registers its register: what it says of it is all that is known. */
bool chek_drive_report_registers(const struct chek_drive_report *report);

/* The warnings that a document which passed comes with. */
uint32_t chek_document_warnings(const struct chek_document *document);

/* Check what a register says of itself: at least one key, no key twice, known currency. */
CHEK_MUST_USE int chek_register_check(const struct chek_register *what, struct chek_fault *fault);

#endif
