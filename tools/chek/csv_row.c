/* SPDX-License-Identifier: MIT */
#include "tools/chek/csv_row.h"

#include <stdbool.h>
#include <string.h>

/*
 * Read a cell in quotes from behind the first one, and write it over itself. Returns where it was
 * left: behind the closing quote; NULL: there is none.
 */
static const char *
quoted_read(const char *at, const char *end, char *to, size_t *ret_size)
{
    size_t size = 0;
    while (at < end) {
        bool is_quote = *at == '"';
        if (is_quote && (at + 1 == end || at[1] != '"')) {
            *ret_size = size;
            return at + 1;
        }
        to[size++] = *at;
        at += is_quote ? 2 : 1;
    }
    return NULL;
}

int
chek__csv_cut(char *line, size_t size, struct chek_bytes_view *ret, uint32_t count_max,
              uint32_t *ret_count)
{
    const char *end = line + size;
    const char *at = line;
    uint32_t count = 0;
    for (;;) {
        char *cell = line + (at - line);
        size_t cell_size = 0;
        if (count == count_max) {
            return CHEK_E_LIMIT;
        }
        if (at < end && *at == '"') {
            at = quoted_read(at + 1, end, cell, &cell_size);
            if (at == NULL || (at < end && *at != ',')) {
                return CHEK_E_TEXT;
            }
        } else {
            const char *comma = memchr(at, ',', (size_t)(end - at));
            at = comma != NULL ? comma : end;
            cell_size = (size_t)(at - cell);
        }
        ret[count++] = chek_bytes_view_of(cell, cell_size);
        if (at == end) {
            *ret_count = count;
            return CHEK_OK;
        }
        at += 1;
    }
}
