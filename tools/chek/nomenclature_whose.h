/* SPDX-License-Identifier: MIT */
/*
 * nomenclature_whose.h - whose list of what registers sell: --org, --point and --device.
 *
 *   Source   ingest/CPCR.md R99
 */
#ifndef CHEK_TOOLS_CHEK_NOMENCLATURE_WHOSE_H
#define CHEK_TOOLS_CHEK_NOMENCLATURE_WHOSE_H

#include "engine/wire/protocol.h"
#include "tools/chek/run.h"

#define CHEK__WHOSE_TEXT_SIZE 192
#define CHEK__WHOSE_USAGE "--org ORG, --org ORG with --point POINT, or --device ID"

/* What the options say; empty: not given. */
struct chek__whose {
    const char *organisation, *point, *device;
};

/* Rows of struct chek__option. */
#define CHEK__WHOSE_OPTIONS(whose)                             \
    {"org", CHEK__OPTION_TEXT, (void *)&(whose).organisation}, \
        {"point", CHEK__OPTION_TEXT, (void *)&(whose).point},  \
    {                                                          \
        "device", CHEK__OPTION_TEXT, (void *)&(whose).device   \
    }

/*
 * Note whose it is in a request, which borrows the texts.
 *
 *   Errors  RANGE it is no organisation, point of one, or register; *ret is spoilt
 */
CHEK_MUST_USE int chek__whose_read(const struct chek__whose *whose, struct chek_nomenclature *ret);

/*
 * The words of a command that says whose list and nothing else. CHEK_OK, or an exit code + 1 after the
 * mistake was told or help was shown.
 */
CHEK_MUST_USE int chek__whose_arguments(struct chek__run *run, int count, char **words,
                                        struct chek_nomenclature *ret);

/* Members of an open JSON object: those that are there. */
void chek__whose_json(struct chek__run *run, const struct chek_nomenclature *what);

/* For people: "register 5001 of 123456789012", "point main of ..", "all registers of ..". Returns `text`. */
const char *chek__whose_text(const struct chek_nomenclature *what,
                             char text[CHEK__WHOSE_TEXT_SIZE]);

#endif
