/* SPDX-License-Identifier: MIT */
/*
 * cpcr_report.h - the figures of a shift as a Kazakh register gets them. (R60..R69)
 */
#ifndef CHEK_INGEST_CPCR_REPORT_H
#define CHEK_INGEST_CPCR_REPORT_H

#include "engine/partition/device.h"
#include "ingest/cpcr/cpcr_message.h"

/*
 * Write a report of the engine as a ZxReport.
 *
 *   Ownership  everything is in `arena` or borrowed from the report
 *   Errors     NULL: the arena is too small
 */
Ingest__ZxReport *ingest__cpcr_zx(const struct chek_report *report,
                                  const struct chek_device_totals *totals, int64_t when,
                                  struct chek_arena *arena);

Ingest__DateTime *ingest__cpcr_when(int64_t civil, struct chek_arena *arena);
Ingest__Money *ingest__cpcr_amount(chek_i128 minor, struct chek_arena *arena);

#endif
