/* SPDX-License-Identifier: MIT */
/*
 * check_digits.h - numbers of the Russian state that prove themselves.
 *
 *   Source   ingest/FFD_JSON.md "Numbers"; rule C21 of README.md
 *   Threads  any
 */
#ifndef CHEK_FISCAL_CHECK_DIGITS_H
#define CHEK_FISCAL_CHECK_DIGITS_H

#include "engine/base/bytes.h"
#include "engine/wire/protocol.h"

/* Whether the control digits of an INN of 10 digits (organisations) or 12 (people) are right. */
bool chek_inn_is_valid(struct chek_bytes_view inn);

/*
 * Whether a register's registration number is of this taxpayer and this factory number: its last six
 * digits are the sum of both and of the first ten.
 */
bool chek_kkt_number_is_valid(struct chek_bytes_view number, struct chek_bytes_view inn,
                              struct chek_bytes_view factory_number);

/*
 * The warnings tin_wrong and register_number_wrong of what a document says of its register (C21);
 * none outside of Russia. Cost: 200 ns.
 */
uint32_t chek_register_doubts(const struct chek_register *what);

#endif
