/* SPDX-License-Identifier: MIT */
/*
 * json.h - answers for programs.
 *
 * Records are shown by their shapes (wire/shape.h): every field under its name in protocol.def,
 * whether it was present or not. Amounts are integers in the smallest unit, `currency` is the
 * alphabetic code, civil times have no zone and UTC times end in Z; what is not there is null.
 */
#ifndef CHEK_TOOLS_CHEK_JSON_H
#define CHEK_TOOLS_CHEK_JSON_H

#include "tools/chek/run.h"

void chek__json_open(struct chek__run *run);  /* { */
void chek__json_close(struct chek__run *run); /* } */
void chek__json_end(struct chek__run *run);   /* the document is complete: a line */

void chek__json_text(struct chek__run *run, const char *name, struct chek_bytes_view text);
void chek__json_list_open(struct chek__run *run, const char *name); /* [ */
void chek__json_list_close(struct chek__run *run);                  /* ] */
void chek__json_number(struct chek__run *run, const char *name, int64_t value);
void chek__json_flag(struct chek__run *run, const char *name, bool value);
void chek__json_null(struct chek__run *run, const char *name);
void chek__json_currency(struct chek__run *run, uint16_t currency);

/* The fields of a record of this number (CHEK_RECORD_*), into the object that is open. */
void chek__json_fields(struct chek__run *run, uint16_t number, const void *record);

/* A record as an object of its own under `name` (NULL name: the document itself). */
void chek__json_record(struct chek__run *run, const char *name, uint16_t number,
                       const void *record);

/* The same with the fields that are there only; nothing for NULL. */
void chek__json_given(struct chek__run *run, const char *name, uint16_t number, const void *record);

/* {"code","field","text","hint"} on stderr; a field that is NULL or empty is null. */
void chek__json_error(struct chek__run *run, const char *code, const char *field, const char *text,
                      const char *hint);

#endif
