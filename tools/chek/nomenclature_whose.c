/* SPDX-License-Identifier: MIT */
#include "tools/chek/nomenclature_whose.h"

#include <stdio.h>
#include <string.h>

#include "tools/chek/arguments.h"
#include "tools/chek/json.h"
#include "tools/chek/kkm_device.h"

#define ORGANISATION_SIZE_MAX 32
#define POINT_SIZE_MAX 64

int
chek__whose_read(const struct chek__whose *whose, struct chek_nomenclature *ret)
{
    size_t organisation = strlen(whose->organisation), point = strlen(whose->point);
    if (organisation > ORGANISATION_SIZE_MAX || point > POINT_SIZE_MAX) {
        return CHEK_E_RANGE;
    }
    ret->organisation = chek_bytes_view_text(whose->organisation);
    ret->point = chek_bytes_view_text(whose->point);
    if (whose->device[0] == 0) {
        return organisation != 0 ? CHEK_OK : CHEK_E_RANGE;
    }
    bool is_alone = organisation == 0 && point == 0;
    return is_alone && chek__device_read(whose->device, &ret->device) == CHEK_OK ? CHEK_OK
                                                                                 : CHEK_E_RANGE;
}

void
chek__whose_json(struct chek__run *run, const struct chek_nomenclature *what)
{
    if (what->organisation.size != 0) {
        chek__json_text(run, "organisation", what->organisation);
    }
    if (what->point.size != 0) {
        chek__json_text(run, "point", what->point);
    }
    if (what->device != 0) {
        chek__json_number(run, "device", what->device);
    }
}

const char *
chek__whose_text(const struct chek_nomenclature *what, char text[CHEK__WHOSE_TEXT_SIZE])
{
    if (what->device != 0) {
        (void)snprintf(text, CHEK__WHOSE_TEXT_SIZE, "register %u of %.*s", what->device,
                       (int)what->organisation.size, (const char *)what->organisation.bytes);
    } else if (what->point.size != 0) {
        (void)snprintf(text, CHEK__WHOSE_TEXT_SIZE, "point %.*s of %.*s", (int)what->point.size,
                       (const char *)what->point.bytes, (int)what->organisation.size,
                       (const char *)what->organisation.bytes);
    } else {
        (void)snprintf(text, CHEK__WHOSE_TEXT_SIZE, "all registers of %.*s",
                       (int)what->organisation.size, (const char *)what->organisation.bytes);
    }
    return text;
}

int
chek__whose_arguments(struct chek__run *run, int count, char **words, struct chek_nomenclature *ret)
{
    struct chek__whose whose = {"", "", ""};
    struct chek__list names = {0};
    const struct chek__option options[] = {CHEK__WHOSE_OPTIONS(whose)};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop;
    }
    if (names.count != 0 || chek__whose_read(&whose, ret) != CHEK_OK) {
        return chek__usage(run, CHEK__WHOSE_USAGE) + 1;
    }
    return CHEK_OK;
}
