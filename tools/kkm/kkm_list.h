/* SPDX-License-Identifier: MIT */
/*
 * kkm_list.h - the registers that a run has: who they are, and how the server learns of them.
 */
#ifndef CHEK_KKM_LIST_H
#define CHEK_KKM_LIST_H

#include <stdio.h>

#include "engine/base/error.h"
#include "query/client/client.h"
#include "tools/kkm/kkm_options.h"

#define CHEK_KKM_REGISTERS_AN_ORGANISATION 20

/* Everything follows from the seed and the device id. */
struct chek_kkm_identity {
    uint32_t device;
    uint32_t token; /* the first one; never 0 */
    char device_text[12];
    char rnm[16]; /* 12 digits */
    char factory[20];
    char organisation[16]; /* BIN, 12 digits */
    char point[16];
};

/* The register of a run at `index`, from 0. */
struct chek_kkm_identity chek_kkm_identity_of(const struct chek_kkm_options *options,
                                              uint32_t index);

/*
 * Write all registers as CSV with a head: device,token,rnm,factory,org,point. `chek kkm add --file`
 * reads it.
 *
 *   Errors     -errno of writing
 */
CHEK_MUST_USE int chek_kkm_list_write(const struct chek_kkm_options *options, FILE *out);

/*
 * Have the server add all registers, and what is known beside them (kkm_known.h), by the native protocol. It ends with the first that is refused;
 * those before it, and some behind it, are added.
 *
 *   Errors     of reading the token's file: -errno, AUTHENTICATION there is none in it; as
 *              chek_client_connect() and chek_kkm_adder_add(); what the server refuses with: EXISTS
 *              it has the device already. *failure tells more
 */
CHEK_MUST_USE int chek_kkm_list_add(const struct chek_kkm_options *options,
                                    struct chek_failure *failure);

#endif
