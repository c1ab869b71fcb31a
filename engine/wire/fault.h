/* SPDX-License-Identifier: MIT */
/*
 * fault.h - what is wrong in a record, and where.
 *
 * A refusal that only says "out of range" costs its reader an hour. Every decoder of the room says
 * which field, in which element of a list, at which byte.
 */
#ifndef CHEK_WIRE_FAULT_H
#define CHEK_WIRE_FAULT_H

#include "engine/base/attribute.h"

struct chek_fault {
    int code;       /* CHEK_E_*, never CHEK_OK */
    uint16_t field; /* CHEK_FIELD_*: record number * 64 + field number; 0 in the low bits: the
                       record as a whole */
    uint16_t index; /* place in the innermost list that the value is in; 0 outside of lists */
    size_t at;      /* offset of the value's first byte in the bytes of the cursor */
};

#endif
