/* SPDX-License-Identifier: MIT */
/*
 * export_write.h - documents as `chek import` reads them (ingest/export_read.h).
 */
#ifndef CHEK_TOOLS_CHEK_EXPORT_WRITE_H
#define CHEK_TOOLS_CHEK_EXPORT_WRITE_H

#include "tools/chek/run.h"

/* The first row of CSV. */
void chek__export_titles(void);

/* A document: a line of JSON, or a row of CSV for each of its records. */
void chek__export_write(struct chek__run *run, bool csv, const struct chek_document *document);

#endif
