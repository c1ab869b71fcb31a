/* SPDX-License-Identifier: MIT */
/*
 * kkm_report.h - what a run was like, for people and for programs.
 */
#ifndef CHEK_KKM_REPORT_H
#define CHEK_KKM_REPORT_H

#include "tools/kkm/kkm_fleet.h"

/* Every register finished, everything compared equal, nothing was refused. */
bool chek_kkm_report_is_right(const struct chek_kkm_options *options,
                              const struct chek_kkm_run *run);

void chek_kkm_report_write(const struct chek_kkm_options *options, const struct chek_kkm_run *run,
                           FILE *out);
void chek_kkm_report_write_json(const struct chek_kkm_options *options,
                                const struct chek_kkm_run *run, FILE *out);

#endif
