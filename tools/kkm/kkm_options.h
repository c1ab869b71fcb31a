/* SPDX-License-Identifier: MIT */
/*
 * kkm_options.h - the command line of chek-kkm.
 */
#ifndef CHEK_KKM_OPTIONS_H
#define CHEK_KKM_OPTIONS_H

#include "tools/kkm/kkm_life.h"

#define CHEK_KKM_REGISTER_COUNT_MAX 10000
#define CHEK_KKM_TEXT_SIZE 1024
#define CHEK_KKM_PERSON_COUNT_MAX 100
#define CHEK_KKM_GOOD_COUNT_MAX 250 /* they fit an answer of 64 KiB */

struct chek_kkm_options {
    struct chek_kkm_life_options life;
    uint64_t seed;
    uint32_t register_count;
    uint32_t at_once; /* registers at work at the same time */
    uint32_t first_device;
    uint32_t cut_per_million;    /* of all sends */
    uint32_t forget_per_million; /* acknowledged documents whose new token is lost */
    uint32_t timeout_ms;         /* a silent server is taken for gone */
    uint32_t patience_s;         /* without any answer, until the run is given up */
    uint32_t person_count;       /* operators of each organisation; 0: AUTH is not asked */
    uint32_t good_count;         /* groups and items; 0: NOMENCLATURE is not asked */
    uint16_t protocol;           /* 202 or 203 */
    bool connection_per_ticket, added, json;
    char cpcr[CHEK_KKM_TEXT_SIZE];
    char server[CHEK_KKM_TEXT_SIZE];
    char token_file[CHEK_KKM_TEXT_SIZE];
    /* Files to write; empty: it is not wanted. */
    char csv[CHEK_KKM_TEXT_SIZE];
    char csv_people[CHEK_KKM_TEXT_SIZE];
    char csv_goods[CHEK_KKM_TEXT_SIZE];
};

/* Returns the exit code when there is nothing to do (--help) or the usage is wrong, else -1. */
int chek_kkm_options_read(struct chek_kkm_options *options, int argc, char **argv);

#endif
