/* SPDX-License-Identifier: MIT */
/*
 * kkm_known.h - what a run knows beside its registers: who may work at them, and what they sell.
 *
 * Operators are those of an organisation, a list is the same for every one; all of it follows from the seed.
 * A server is told by the native protocol, or gets it as the CSV that `chek` takes.
 */
#ifndef CHEK_KKM_KNOWN_H
#define CHEK_KKM_KNOWN_H

#include "tools/kkm/kkm_list.h"

#define CHEK_KKM_LOGIN_SIZE 24
#define CHEK_KKM_BARCODE_SIZE 20
#define CHEK_KKM_GOOD_TAX_COUNT_MAX 3

/* Somebody who may work at all registers of an organisation. */
struct chek_kkm_person {
    char login[CHEK_KKM_LOGIN_SIZE], password[CHEK_KKM_LOGIN_SIZE];
    char name[64];
    uint32_t code;
    uint32_t roles; /* bits: of role r, r - 1 */
};

/* A group, or an item that is sold. Empty and 0: not told. */
struct chek_kkm_good {
    bool is_group, is_marked;
    uint64_t id, parent;
    char title[64], title_kk[64], article[16], barcode[CHEK_KKM_BARCODE_SIZE], unit[8], ntin[20];
    int64_t purchase_price, sell_price; /* tiyn */
    uint32_t tax_count;
    struct {
        uint32_t taxation, percent; /* thousandths of a percent */
    } taxes[CHEK_KKM_GOOD_TAX_COUNT_MAX];
};

/* The operator of an organisation at `index`, from 0. */
struct chek_kkm_person chek_kkm_person_of(const struct chek_kkm_options *options,
                                          const char *organisation, uint32_t index);

/* The group or item of the list at `index`, from 0. */
struct chek_kkm_good chek_kkm_good_of(const struct chek_kkm_options *options, uint32_t index);

/*
 * Write what `chek kkm operator add --file` and `chek nomenclature load` read.
 *
 *   Errors     -errno of writing
 */
CHEK_MUST_USE int chek_kkm_people_write(const struct chek_kkm_options *options, FILE *out);
CHEK_MUST_USE int chek_kkm_goods_write(const struct chek_kkm_options *options, FILE *out);

/*
 * Have the server know operators and lists of all organisations of the run.
 *
 *   Errors     as chek_client_request()
 */
CHEK_MUST_USE int chek_kkm_known_add(const struct chek_kkm_options *options,
                                     struct chek_client *client);

#endif
