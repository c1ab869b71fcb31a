/* SPDX-License-Identifier: MIT */
/*
 * fuzz_marking.c - any bytes as a code of marked goods.
 *
 * The first byte says in which form. Whatever is understood has a canonical text that is
 * understood as the same; what is not is kept, unless it is too long.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "ingest/marking.h"
#include "tests/fuzz/fuzz.h"

#define LOST (CHEK_MARKING_NOTE_CHECK | CHEK_MARKING_NOTE_SEPARATOR)

static void
marking_check(const struct chek_marking *marking)
{
    struct chek_marking again;
    CHEK_ASSERT(marking->text_size <= CHEK_MARKING_TEXT_MAX);
    CHEK_ASSERT(marking->text[marking->text_size] == 0);
    CHEK_ASSERT(marking->gtin <= UINT64_C(99999999999999));
    if (marking->kind != CHEK_MARKING_KIND_GS1 && marking->kind != CHEK_MARKING_KIND_TOBACCO) {
        return;
    }
    CHEK_ASSERT(marking->text_size != 0);
    if ((marking->notes & (CHEK_MARKING_NOTE_SERIAL | CHEK_MARKING_NOTE_ALPHABET)) != 0) {
        return; /* a separator may be inside, or the end look like a check part */
    }
    chek_marking_read(chek_bytes_view_of(marking->text, marking->text_size), &again);
    CHEK_ASSERT(again.kind == marking->kind && again.gtin == marking->gtin);
    CHEK_ASSERT(again.notes == (marking->notes & ~(uint32_t)LOST));
    CHEK_ASSERT(again.text_size == marking->text_size);
    CHEK_ASSERT(memcmp(again.text, marking->text, marking->text_size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_marking marking;
    if (size == 0) {
        return 0;
    }
    struct chek_bytes_view code = chek_bytes_view_of(bytes + 1, size - 1);
    if (bytes[0] % 3 == 0) {
        chek_marking_read(code, &marking);
        bool kept = marking.kind == CHEK_MARKING_KIND_UNKNOWN && code.size != 0 &&
                    code.size <= CHEK_MARKING_TEXT_MAX && code.bytes[0] != 0x1d &&
                    code.bytes[0] != ']';
        CHEK_ASSERT(!kept || (marking.text_size == code.size &&
                              memcmp(marking.text, code.bytes, code.size) == 0));
    } else if (bytes[0] % 3 == 1) {
        chek_marking_read_tag(code, &marking);
    } else if (chek_marking_read_hex(code, &marking) != CHEK_OK) {
        return 0;
    }
    marking_check(&marking);
    return 0;
}
