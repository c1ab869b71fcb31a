/* SPDX-License-Identifier: MIT */
/*
 * arguments.h - the options of a command as rows of a table.
 */
#ifndef CHEK_TOOLS_CHEK_ARGUMENTS_H
#define CHEK_TOOLS_CHEK_ARGUMENTS_H

#include "tools/chek/run.h"

#define ARGUMENTS_LIST_MAX 4096

enum chek__option_type {
    CHEK__OPTION_FLAG,   /* bool */
    CHEK__OPTION_TEXT,   /* const char * */
    CHEK__OPTION_LIST,   /* struct chek__list: may be given again */
    CHEK__OPTION_NUMBER, /* uint64_t */
    CHEK__OPTION_FROM,   /* int64_t, civil: the day's first second */
    CHEK__OPTION_TO,     /* int64_t, civil: the day's last second */
    CHEK__OPTION_RANGE,  /* struct chek__range: N or A..B */
};

struct chek__list {
    const char *values[ARGUMENTS_LIST_MAX];
    uint32_t count;
};

struct chek__range {
    uint32_t first, last; /* inclusive; 0 = not given */
};

struct chek__option {
    const char *name; /* without the dashes */
    enum chek__option_type type;
    void *into;
};

/*
 * Read a command's words: options into the rows, `--json`, `--server`, `--token-file` and `--help`
 * into the run, others into `words` if there is a list for them. Returns CHEK_OK, or an exit code
 * + 1 after the mistake was told or help was shown.
 */
CHEK_MUST_USE int chek__arguments_read(struct chek__run *run, int count, char **words,
                                       const struct chek__option *options, size_t option_count,
                                       struct chek__list *others);

#endif
