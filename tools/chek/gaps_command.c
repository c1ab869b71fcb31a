/* SPDX-License-Identifier: MIT */
/*
 * gaps_command.c - chek gaps: numbers that are missing among the documents of registers.
 */
#include <errno.h>
#include <stdio.h>

#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"

CHEK__ENCODER(ask_gaps)

struct gap_list {
    struct chek__run *run;
    struct chek__table table;
};

static int
on_gaps(void *context, struct chek_bytes_view body)
{
    struct gap_list *list = context;
    struct chek_gaps answer;
    int error = CHEK__DECODE(list->run, gaps, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.gaps_count; i++) {
        const struct chek_gap *gap = &answer.gaps[i];
        if (list->run->json) {
            chek__json_record(list->run, NULL, CHEK_RECORD_GAP, gap);
            chek__json_end(list->run);
            continue;
        }
        chek__cell_number(&list->table, gap->registration);
        chek__cell(&list->table, gap->key);
        chek__cell_number(&list->table, gap->first);
        chek__cell_number(&list->table, gap->last);
        chek__cell_number(&list->table, gap->count);
    }
    return error;
}

static int
gaps_ask(struct chek__run *run, const struct chek_ask_gaps *question)
{
    static const char *const titles[] = {"register", "<called", "from", "to", "count"};
    static struct gap_list list;
    list.run = run;
    if (chek__table_open(&list.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    int stop = chek__ask(run, CHEK_OPCODE_ASK_GAPS, ask_gaps_encode, question, on_gaps, &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

static int
gaps(struct chek__run *run, int count, char **words)
{
    const char *name = NULL;
    const char *organisation = "";
    const char *point = "";
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&name},
        {"org", CHEK__OPTION_TEXT, (void *)&organisation},
        {"point", CHEK__OPTION_TEXT, (void *)&point},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    struct chek_registered whose;
    struct chek_target target = {0};
    struct chek_ask_gaps question = {.organisation = chek_bytes_view_text(organisation),
                                     .point = chek_bytes_view_text(point)};
    if (name != NULL) {
        stop = chek__register_find(run, name, &whose);
        target.registration = stop == CHEK_OK ? (uint32_t)whose.registration : 0;
        question.target = &target;
    }
    return stop == CHEK_OK ? gaps_ask(run, &question) : stop;
}

const struct chek__command chek__command_gaps = {
    "gaps", "document numbers that are missing",
    "  chek gaps [--kkm K] [--org ORG] [--point POINT]\n\n"
    "  Holes between the first and the last regular number of each register; a document that\n"
    "  comes later fills its hole. Documents without a number (an autonomous sign alone) are in\n"
    "  no sequence.\n\n"
    "Examples\n"
    "  chek gaps --kkm fn:9280440300671993\n"
    "  chek gaps --org 7825706086 --json\n",
    gaps};
