/* SPDX-License-Identifier: MIT */
/*
 * kkm_device.h - adding registers that speak their country's protocol, and rows of CSV files.
 */
#ifndef CHEK_TOOLS_CHEK_KKM_DEVICE_H
#define CHEK_TOOLS_CHEK_KKM_DEVICE_H

#include <stdio.h>

#include "tools/chek/run.h"

/* Add one and show its token; CHEK_OK, or an exit code after the error was told. */
CHEK_MUST_USE int chek__device_add(struct chek__run *run, const struct chek_kkm_add *what);

/* Add those of a CSV file and show a line for each; an exit code. */
CHEK_MUST_USE int chek__devices_add(struct chek__run *run, const char *path);

/* A device id or another number of 1..2^32-1. Errors: NUMBER. */
CHEK_MUST_USE int chek__device_read(const char *text, uint32_t *ret);

/* ---- rows of CSV ------------------------------------------------------------------------------ */

#define CHEK__LINE_SIZE_MAX 1024
#define CHEK__COLUMN_COUNT_MAX 8

/* Cut a line into so many values, in place; false: it has others, or is no CSV. (csv_row.h) */
CHEK_MUST_USE bool chek__row_split(char *line, const char **values, unsigned count);

/* Read the first line: whether it is these names. */
CHEK_MUST_USE bool chek__head_is_right(FILE *file, const char *const *names, unsigned count);

#endif
