/* SPDX-License-Identifier: MIT */
/*
 * kkm_compare.h - a register's own figures against the server's, field by field.
 */
#ifndef CHEK_KKM_COMPARE_H
#define CHEK_KKM_COMPARE_H

#include "tools/kkm/kkm_totals.h"

#define CHEK_KKM_DIFFERENCE_SIZE 160

/*
 * Compare all figures; rows that one side has not are zero. Returns how many differ, and puts the
 * first of them into `first`, which stays as it was when none does.
 */
uint32_t chek_kkm_compare(const struct chek_kkm_totals *mine, const struct chek_kkm_totals *theirs,
                          char first[CHEK_KKM_DIFFERENCE_SIZE]);

#endif
