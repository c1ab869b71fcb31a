/* SPDX-License-Identifier: MIT */
#include "tools/chek/person_words.h"

#include <stdio.h>
#include <string.h>

#define VALUE_SIZE_MAX 255

static int
digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool
chek__subject_read(const char *text, uint8_t ret[16])
{
    if (strlen(text) != CHEK__SUBJECT_TEXT_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

void
chek__subject_text(const uint8_t subject[16], char ret[CHEK__SUBJECT_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        ret[2 * i] = digits[subject[i] >> 4];
        ret[2 * i + 1] = digits[subject[i] & 15];
    }
    ret[CHEK__SUBJECT_TEXT_SIZE - 1] = 0;
}

static uint32_t
said_count(const struct chek__person_words *words)
{
    const char *const values[] = {words->phone, words->email, words->tin, words->name,
                                  words->subject};
    uint32_t count = 0;
    for (size_t i = 0; i < CHEK_COUNT(values); i++) {
        count += values[i] != NULL;
    }
    return count;
}

bool
chek__person_is_said(const struct chek__person_words *words)
{
    return said_count(words) != 0;
}

/* The value itself, or the first line of the standard input for "-". */
static int
value_read(struct chek__run *run, const char *text, struct chek_bytes_view *ret)
{
    char line[VALUE_SIZE_MAX + 2] = "";
    if (strcmp(text, "-") != 0) {
        *ret = chek_bytes_view_text(text);
    } else {
        bool is_read = fgets(line, sizeof line, stdin) != NULL;
        *ret = chek__keep(run, chek_bytes_view_of(line, is_read ? strcspn(line, "\r\n") : 0));
    }
    return ret->size != 0 && ret->size <= VALUE_SIZE_MAX
               ? CHEK_OK
               : chek__error(run, CHEK_E_RANGE, "person_query.value", "a value has 1 to 255 bytes");
}

int
chek__person_read(struct chek__run *run, const struct chek__person_words *words,
                  struct chek_person_query *ret)
{
    *ret = (struct chek_person_query){0};
    if (words->organisation == NULL || words->organisation[0] == 0 || said_count(words) != 1) {
        return chek__usage(run, "whom? --org ORG and one of --phone, --email, --iin, --name, "
                                "--subject");
    }
    ret->organisation = chek_bytes_view_text(words->organisation);
    if (words->subject != NULL) {
        return chek__subject_read(words->subject, ret->subject)
                   ? CHEK_OK
                   : chek__usage(run, "--subject: 32 hexadecimal digits are wanted");
    }
    ret->kind = words->tin != NULL    ? CHEK_PERSON_KIND_TIN
                : words->name != NULL ? CHEK_PERSON_KIND_NAME
                                      : CHEK_PERSON_KIND_CONTACT;
    if (words->email != NULL && strcmp(words->email, "-") != 0 &&
        strchr(words->email, '@') == NULL) {
        return chek__usage(run, "--email: there is no @ in it");
    }
    return value_read(run,
                      words->phone != NULL   ? words->phone
                      : words->email != NULL ? words->email
                      : words->tin != NULL   ? words->tin
                                             : words->name,
                      &ret->value);
}
