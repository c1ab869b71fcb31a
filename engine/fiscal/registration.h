/* SPDX-License-Identifier: MIT */
/*
 * registration.h - the record of a register and the trade points it stood at.
 *
 * Inside the room only.
 */
#ifndef CHEK_FISCAL_REGISTRATION_H
#define CHEK_FISCAL_REGISTRATION_H

#include "engine/fiscal/fiscal_state.h"

/* Bytes that chek_fiscal_register() allocates at most beside texts: record, binding, key objects,
 * and its insertions into maps (two buckets of 256 bytes each, tables apart). */
#define FISCAL__REGISTER_SIZE_MAX (192 + 32 + 8 * 96 + 9 * 2 * 256)

/* The point of a binding, borrowed from the heap; empty when there is none. */
struct chek_bytes_view fiscal__binding_point(const struct chek_page_heap *heap,
                                             const struct fiscal__registration *registration,
                                             uint16_t binding);

#endif
