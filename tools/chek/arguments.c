/* SPDX-License-Identifier: MIT */
#include "tools/chek/arguments.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/civil.h"
#include "engine/base/decimal.h"

static bool
range_read(const char *value, struct chek__range *ret)
{
    const char *dots = strstr(value, "..");
    struct chek_bytes_view first = chek_bytes_view_text(value);
    struct chek_bytes_view last = first;
    uint64_t numbers[2];

    if (dots != NULL) {
        first.size = (size_t)(dots - value);
        last = chek_bytes_view_text(dots + 2);
    }
    if (chek_decimal_read_u64(first, &numbers[0]) != CHEK_OK ||
        chek_decimal_read_u64(last, &numbers[1]) != CHEK_OK || numbers[0] == 0 ||
        numbers[1] > UINT32_MAX || numbers[0] > numbers[1]) {
        return false;
    }
    *ret = (struct chek__range){.first = (uint32_t)numbers[0], .last = (uint32_t)numbers[1]};
    return true;
}

static bool
time_read(const char *value, bool is_end, int64_t *ret)
{
    int64_t civil_s;
    struct chek_bytes_view text = chek_bytes_view_text(value);
    if (chek_civil_read(text, &civil_s) != CHEK_OK || !chek_civil_is_valid(civil_s)) {
        return false;
    }
    bool is_day = text.size == strlen("2026-01-31");
    *ret = civil_s + (is_end && is_day ? CHEK_CIVIL_DAY_S - 1 : 0);
    return true;
}

/* Read the value of one option; what was wanted when it is wrong, else NULL. */
static const char *
value_read(const struct chek__option *option, const char *value)
{
    struct chek__list *list = option->into;
    switch (option->type) {
    case CHEK__OPTION_FLAG:
        *(bool *)option->into = true;
        return NULL;
    case CHEK__OPTION_TEXT:
        *(const char **)option->into = value;
        return NULL;
    case CHEK__OPTION_LIST:
        if (list->count == ARGUMENTS_LIST_MAX) {
            return "fewer";
        }
        list->values[list->count++] = value;
        return NULL;
    case CHEK__OPTION_NUMBER:
        return chek_decimal_read_u64(chek_bytes_view_text(value), option->into) == CHEK_OK
                   ? NULL
                   : "a number";
    case CHEK__OPTION_FROM:
        return time_read(value, false, option->into) ? NULL : "a day, YYYY-MM-DD";
    case CHEK__OPTION_TO:
        return time_read(value, true, option->into) ? NULL : "a day, YYYY-MM-DD";
    case CHEK__OPTION_RANGE:
        return range_read(value, option->into) ? NULL : "a number, or A..B";
    }
    return "another type";
}

static const struct chek__option *
option_find(const struct chek__option *options, size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) == size && memcmp(options[i].name, name, size) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static void
help_show(const struct chek__command *command)
{
    (void)printf("chek %s - %s\n\n%s\n"
                 "  --server HOST:PORT, --token-file FILE, --json: see chek --help\n",
                 command->words, command->summary, command->help);
}

/* One option at words[*at], and its value. */
static int
option_read(struct chek__run *run, int count, char **words, int *at,
            const struct chek__option *options, size_t option_count)
{
    const struct chek__option everywhere[] = {
        {"server", CHEK__OPTION_TEXT, (void *)&run->server},
        {"token-file", CHEK__OPTION_TEXT, (void *)&run->token_file},
        {"json", CHEK__OPTION_FLAG, &run->json},
    };
    const char *name = words[*at] + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] == '=' ? name + size + 1 : NULL;

    const struct chek__option *option = option_find(options, option_count, name, size);
    if (option == NULL) {
        option = option_find(everywhere, CHEK_COUNT(everywhere), name, size);
    }
    if (option == NULL) {
        return chek__usage(run, "there is no option --%.*s", (int)size, name) + 1;
    }
    if (option->type == CHEK__OPTION_FLAG && value != NULL) {
        return chek__usage(run, "--%s takes no value", option->name) + 1;
    }
    if (option->type != CHEK__OPTION_FLAG && value == NULL) {
        *at += 1;
        if (*at == count) {
            return chek__usage(run, "--%s needs a value", option->name) + 1;
        }
        value = words[*at];
    }
    const char *wanted = value_read(option, value);
    if (wanted != NULL) {
        return chek__usage(run, "--%s %s: %s is wanted", option->name, value, wanted) + 1;
    }
    return CHEK_OK;
}

int
chek__arguments_read(struct chek__run *run, int count, char **words,
                     const struct chek__option *options, size_t option_count,
                     struct chek__list *others)
{
    bool only_words = false;
    /* How errors are told must be known before the first of them. */
    for (int i = 0; i < count; i++) {
        run->json = run->json || strcmp(words[i], "--json") == 0;
    }
    for (int i = 0; i < count; i++) {
        if (!only_words && strcmp(words[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strcmp(words[i], "--help") == 0) {
            help_show(run->command);
            return CHEK__EXIT_DONE + 1;
        } else if (!only_words && strncmp(words[i], "--", 2) == 0) {
            int error = option_read(run, count, words, &i, options, option_count);
            if (error != CHEK_OK) {
                return error;
            }
        } else if (others == NULL || others->count == ARGUMENTS_LIST_MAX) {
            return chek__usage(run, "'%s' is not expected here", words[i]) + 1;
        } else {
            others->values[others->count++] = words[i];
        }
    }
    return CHEK_OK;
}
