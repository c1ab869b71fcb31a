/* SPDX-License-Identifier: MIT */
/*
 * nomenclature_read.h - what registers sell, out of a file: CSV with a head, or JSON lines.
 *
 * A row is a record `nomenclature_element`, its values under their names in protocol.def.
 *
 *   Source   ingest/CPCR.md "Nomenclature"
 */
#ifndef CHEK_TOOLS_CHEK_NOMENCLATURE_READ_H
#define CHEK_TOOLS_CHEK_NOMENCLATURE_READ_H

#include <stdio.h>

#include "engine/wire/protocol.h"

/* What is wrong with a file, and in which line. */
struct chek__goods_fault {
    int code;
    uint32_t line;
    char field[64];
    const char *text; /* NULL: the code's own */
};

/* A file, and the line of each element. */
struct chek__goods {
    struct chek_nomenclature *what;
    uint32_t *lines; /* as many as there are elements */
};

/*
 * Read a whole file.
 *
 *   Ownership  everything in *ret is in `arena`
 *   Errors     TEXT, JSON and the types' own, with what is wrong in *fault; -EIO
 */
CHEK_MUST_USE int chek__goods_read(FILE *file, struct chek_arena *arena, struct chek__goods *ret,
                                   struct chek__goods_fault *fault);

#endif
