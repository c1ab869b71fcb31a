/* SPDX-License-Identifier: MIT */
/*
 * person_receipts_command.c - chek person receipts: what somebody bought.
 */
#include <errno.h>
#include <stdio.h>

#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/person_words.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"
#include "tools/chek/warning_text.h"

CHEK__ENCODER(person_query)

struct person_list {
    struct chek__run *run;
    struct chek__table table;
};

static void
receipt_row(struct person_list *list, const struct chek_marked *found)
{
    const struct chek_stored *stored = found->stored;
    const struct chek_receipt *receipt = stored->receipt;
    char text[CHEK__WARNING_NAMES_MAX];
    chek__cell_number(&list->table, stored->registration);
    chek__cell(&list->table, found->key);
    chek__cell_number(&list->table, stored->ordinal);
    chek__cell_time(&list->table, receipt->time);
    chek__cell_number(&list->table, stored->shift);
    chek__cell_number(&list->table, receipt->document);
    chek__cell_text(&list->table, chek__operation_name(receipt->operation));
    chek__cell_money(&list->table, receipt->total, 0);
    chek__cell_number(&list->table, receipt->sign != 0 ? receipt->sign : receipt->autonomous);
    chek__cell_text(&list->table, chek__warning_names((uint32_t)stored->warnings, text));
}

static int
on_receipts(void *context, struct chek_bytes_view body)
{
    struct person_list *list = context;
    struct chek_marked_list answer;
    int error = CHEK__DECODE(list->run, marked_list, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.receipts_count; i++) {
        const struct chek_marked *found = &answer.receipts[i];
        if (found->stored->receipt == NULL) {
            return CHEK_E_FIELD_MISSING;
        }
        if (list->run->json) {
            chek__json_open(list->run);
            chek__json_text(list->run, "key", found->key);
            chek__json_record(list->run, "stored", CHEK_RECORD_STORED, found->stored);
            chek__json_close(list->run);
            chek__json_end(list->run);
        } else {
            receipt_row(list, found);
        }
    }
    return error;
}

static int
person_receipts(struct chek__run *run, int count, char **words)
{
    static const char *const titles[] = {"register", "<called", "ordinal", "<time", "shift",
                                         "document", "<kind",   "total",   "sign",  "<notes"};
    static struct person_list list;
    struct chek__person_words whom = {0};
    struct chek_person_query question;
    struct chek_registered whose;
    struct chek_target target = {0};
    const char *name = NULL;
    uint64_t limit = 0;
    int64_t from = 0;
    int64_t to = 0;
    const struct chek__option options[] = {CHEK__PERSON_OPTIONS(whom),
                                           {"kkm", CHEK__OPTION_TEXT, (void *)&name},
                                           {"from", CHEK__OPTION_FROM, &from},
                                           {"to", CHEK__OPTION_TO, &to},
                                           {"limit", CHEK__OPTION_NUMBER, &limit}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (limit > UINT32_MAX) {
        return chek__usage(run, "--limit: nobody has so many");
    }
    stop = chek__person_read(run, &whom, &question);
    if (stop == CHEK_OK && name != NULL) {
        stop = chek__register_find(run, name, &whose);
        target.registration = stop == CHEK_OK ? (uint32_t)whose.registration : 0;
        question.target = &target;
    }
    if (stop != CHEK_OK) {
        return stop;
    }
    question.from = from;
    question.to = to;
    question.count_max = (uint32_t)limit;
    list.run = run;
    if (chek__table_open(&list.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_PERSON_RECEIPTS, person_query_encode, &question,
                     on_receipts, &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

const struct chek__command chek__command_person_receipts = {
    "person receipts", "the receipts of somebody",
    "  chek person receipts --org ORG --phone P | --email E | --iin N | --name NAME | --subject S\n"
    "                       [--kkm K] [--from DAY] [--to DAY] [--limit N]\n\n" CHEK__PERSON_HELP
    "  Newest first, of all registers of the organisation that are seen; those that name the value as\n"
    "  the buyer's or beside him. Who gave a phone once and an e-mail once is two. What is erased has\n"
    "  its receipts still. The token needs the rights `read` and `persons`.\n\n"
    "Examples\n"
    "  chek person receipts --org 123456789012 --phone '+7 701 000 00 00' --from 2026-01-01\n"
    "  chek person receipts --org 123456789012 --subject 1a2b3c4d5e6f708192a3b4c5d6e7f809 --json\n",
    person_receipts};
