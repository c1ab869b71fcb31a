/* SPDX-License-Identifier: MIT */
/*
 * kkm_question.h - what a register asks beside its documents: AUTH and NOMENCLATURE.
 *
 * A question is drawn, asked, and its answer is held against what the run knows (kkm_known.h). A password is
 * wrong on purpose twice a register at most, and is not sent again when the connection breaks: a server may
 * count wrong ones.
 */
#ifndef CHEK_KKM_QUESTION_H
#define CHEK_KKM_QUESTION_H

#include "engine/base/prng.h"
#include "tools/kkm/kkm_known.h"
#include "tools/kkm/register.pb-c.h"

#define CHEK_KKM_WRONG_COUNT_MAX 2

struct chek_kkm_question {
    uint32_t person;
    bool is_wrong; /* the password */
    char login[CHEK_KKM_LOGIN_SIZE], password[CHEK_KKM_LOGIN_SIZE];
    uint64_t version; /* of the list that the register has; 0: none */
    char barcode[CHEK_KKM_BARCODE_SIZE];
};

/* What a register has been told, and how it asks. */
struct chek_kkm_asker {
    struct chek_prng prng;
    uint64_t version;     /* of the list; 0: not told yet */
    bool was_told;        /* AUTH was answered */
    uint32_t wrong_count; /* passwords that were wrong on purpose */
};

enum chek_kkm_asks { CHEK_KKM_ASKS_NOTHING, CHEK_KKM_ASKS_AUTH, CHEK_KKM_ASKS_NOMENCLATURE };

void chek_kkm_asker_init(struct chek_kkm_asker *asker, const struct chek_kkm_options *options,
                         uint32_t device);

/* Draw whether a register asks something now, and what: at first both, then one time in eight. */
enum chek_kkm_asks chek_kkm_question_draw(struct chek_kkm_asker *asker,
                                          const struct chek_kkm_options *options,
                                          const char *organisation, struct chek_kkm_question *ret);

/* It may be asked again: a wrong password is replaced by the right one. */
void chek_kkm_question_broken(const struct chek_kkm_options *options, const char *organisation,
                              struct chek_kkm_question *question);

/*
 * Hold an answer against what is known, and note what it tells. NULL: it is right.
 *
 *   Ownership  `scratch` is reset
 */
const char *chek_kkm_auth_finding(const struct chek_kkm_options *options, const char *organisation,
                                  const struct chek_kkm_question *question,
                                  const Kkm__AuthResponse *answer, struct chek_kkm_asker *asker);
const char *chek_kkm_nomenclature_finding(const struct chek_kkm_options *options,
                                          const struct chek_kkm_question *question,
                                          const Kkm__NomenclatureResponse *answer,
                                          struct chek_arena *scratch, struct chek_kkm_asker *asker);

#endif
