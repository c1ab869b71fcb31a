/* SPDX-License-Identifier: MIT */
#include "tools/chek/warning_text.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/wire/protocol.h"

static const struct {
    const char *name, *text;
} warnings[CHEK_WARNING_COUNT] = {
    [CHEK_WARNING_LATE] = {"late", "came after the close of its shift"},
    [CHEK_WARNING_SHIFT_UNKNOWN] = {"shift_unknown", "its shift is older than any known"},
    [CHEK_WARNING_DOCUMENT_GAP] = {"document_gap", "a document before it is missing"},
    [CHEK_WARNING_CASH_NEGATIVE] = {"cash_negative", "the drawer had less cash than it took"},
    [CHEK_WARNING_TOTAL_DIFFERS] = {"total_differs", "the total was rounded"},
    [CHEK_WARNING_PAYMENTS_ABSENT] = {"payments_absent", "how it was paid is not known"},
    [CHEK_WARNING_SHIFT_DIFFERS] = {"shift_differs", "its shift was not the one that was due"},
    [CHEK_WARNING_TIME_BACK] = {"time_back", "it is earlier than a document of a lower number"},
    [CHEK_WARNING_SHIFT_LONG] = {"shift_long", "its shift was more than 24 hours old"},
    [CHEK_WARNING_LINE_DIFFERS] = {"line_differs", "a line is not price times quantity"},
    [CHEK_WARNING_TAX_DIFFERS] = {"tax_differs", "a tax is not what its rate comes to"},
    [CHEK_WARNING_OFFLINE_LONG] = {"offline_long", "it came more than 72 hours after its time"},
    [CHEK_WARNING_CLOCK_DIFFERS] = {"clock_differs", "the register's clock was wrong"},
    [CHEK_WARNING_NUMBER_AGAIN] = {"number_again", "another document has its number"},
    [CHEK_WARNING_CONFLICT] = {"conflict", "documents with the keys of another one: refused"},
    [CHEK_WARNING_RETRY_DIFFERS] = {"retry_differs", "repeats of something else: answered"},
    [CHEK_WARNING_TIN_WRONG] = {"tin_wrong", "its organisation's number is none"},
    [CHEK_WARNING_REGISTER_NUMBER_WRONG] = {"register_number_wrong",
                                            "its register's number is of another one"},
    [CHEK_WARNING_SOLD_AGAIN] = {"sold_again", "a marked good was sold before and not returned"},
    [CHEK_WARNING_REFUSED] = {"refused", "documents that could not be counted"},
};

const char *
chek__warning_name(uint32_t warning)
{
    CHEK_ASSERT(warning < CHEK_WARNING_COUNT);
    return warnings[warning].name;
}

const char *
chek__warning_text(uint32_t warning)
{
    CHEK_ASSERT(warning < CHEK_WARNING_COUNT);
    return warnings[warning].text;
}

int
chek__warning_find(const char *name)
{
    for (int i = 0; i < CHEK_WARNING_COUNT; i++) {
        if (strcmp(warnings[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *
chek__warning_names(uint32_t marks, char text[CHEK__WARNING_NAMES_MAX])
{
    size_t size = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < CHEK_WARNING_COUNT; i++) {
        if ((marks >> i & 1) != 0) {
            size += (size_t)snprintf(text + size, CHEK__WARNING_NAMES_MAX - size, "%s%s",
                                     size != 0 ? ", " : "", warnings[i].name);
        }
    }
    return text;
}
