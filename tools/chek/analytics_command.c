/* SPDX-License-Identifier: MIT */
/*
 * analytics_command.c - chek analytics: sums by register, trade point or organisation and by time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/money.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"

#define NAME_COUNT_MAX 1048576

CHEK__ENCODER(ask_sums)
CHEK__ENCODER(ask_registers)

/* What a register, a point or an organisation is called, beside its id. */
struct sums_name {
    uint32_t registration;
    struct chek_bytes_view organisation, organisation_name, point, point_name, key;
};

struct sums_list {
    struct chek__run *run;
    uint8_t by;
    struct sums_name *names; /* by registration, ascending */
    uint32_t name_count;
    struct chek__table table;
};

/* ---- names ------------------------------------------------------------------------------------ */

static int
on_registers(void *context, struct chek_bytes_view body)
{
    struct sums_list *list = context;
    struct chek__run *run = list->run;
    struct chek_registers answer;
    int error = CHEK__DECODE(run, registers, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.registers_count; i++) {
        const struct chek_register *what = answer.registers[i].profile;
        if (what == NULL || list->name_count == NAME_COUNT_MAX) {
            break;
        }
        list->names[list->name_count++] = (struct sums_name){
            .registration = answer.registers[i].registration,
            .organisation = chek__keep(run, what->organisation),
            .organisation_name = chek__keep(run, what->organisation_name),
            .point = chek__keep(run, what->point),
            .point_name =
                chek__keep(run, what->point_name.size != 0 ? what->point_name : what->address),
            .key = chek__keep(run, chek__register_name(what)),
        };
    }
    return error;
}

static int
names_ask(struct sums_list *list, const struct chek_ask_sums *what)
{
    struct chek_ask_registers question = {.organisation = what->organisation, .point = what->point};
    list->names = chek_arena_take(&list->run->kept, NAME_COUNT_MAX * sizeof *list->names);
    if (list->names == NULL) {
        return chek__error(list->run, -ENOMEM, NULL, NULL);
    }
    return chek__ask(list->run, CHEK_OPCODE_ASK_REGISTERS, ask_registers_encode, &question,
                     on_registers, list);
}

static int
by_registration(const void *key, const void *element)
{
    const struct chek_sums_row *row = key;
    const struct sums_name *name = element;
    return (row->registration > name->registration) - (row->registration < name->registration);
}

/* The names that go with a row; all empty when nobody knows. */
static struct sums_name
name_of(const struct sums_list *list, const struct chek_sums_row *row)
{
    if (row->registration != 0) {
        const struct sums_name *found =
            bsearch(row, list->names, list->name_count, sizeof *list->names, by_registration);
        return found != NULL ? *found : (struct sums_name){0};
    }
    for (uint32_t i = 0; i < list->name_count; i++) {
        const struct sums_name *name = &list->names[i];
        if (chek_bytes_view_equal(name->organisation, row->organisation) &&
            (list->by == CHEK_SUMS_BY_ORGANISATION ||
             chek_bytes_view_equal(name->point, row->point))) {
            return *name;
        }
    }
    return (struct sums_name){0};
}

/* ---- rows ------------------------------------------------------------------------------------- */

static const char *const titles_register[] = {
    "register",  "<called",          "<organisation", "<time", "<operation", "<currency", "tickets",
    "positions", "before discounts", "total",         "cash",  "card",       "mobile",    "other",
    "tax"};
static const char *const titles_point[] = {"<organisation",    "<point",    "<called", "<time",
                                           "<operation",       "<currency", "tickets", "positions",
                                           "before discounts", "total",     "cash",    "card",
                                           "mobile",           "other",     "tax"};
static const char *const titles_organisation[] = {
    "<organisation",    "<called", "<time", "<operation", "<currency", "tickets", "positions",
    "before discounts", "total",   "cash",  "card",       "mobile",    "other",   "tax"};

static void
head_cells(struct sums_list *list, const struct chek_sums_row *row)
{
    struct sums_name name = name_of(list, row);
    if (list->by == CHEK_SUMS_BY_REGISTER) {
        chek__cell_number(&list->table, row->registration);
        chek__cell(&list->table, name.key);
        chek__cell(&list->table,
                   name.organisation_name.size != 0 ? name.organisation_name : name.organisation);
    } else if (list->by == CHEK_SUMS_BY_POINT) {
        chek__cell(&list->table, row->organisation);
        chek__cell(&list->table, row->point);
        chek__cell(&list->table, name.point_name);
    } else {
        chek__cell(&list->table, row->organisation);
        chek__cell(&list->table, name.organisation_name);
    }
}

static void
row_show(struct sums_list *list, const struct chek_sums_row *row)
{
    uint16_t currency = row->currency != 0 ? row->currency : RUN_CURRENCY_DEFAULT;
    const chek_i128 sums[] = {row->gross,  row->net,   row->cash, row->card,
                              row->mobile, row->other, row->tax};
    head_cells(list, row);
    chek__cell_time(&list->table, row->time);
    chek__cell_text(&list->table, chek__operation_name(row->operation));
    chek__cell_text(&list->table, chek_currency_name(currency));
    chek__cell_number(&list->table, row->tickets);
    chek__cell_number(&list->table, row->positions);
    for (size_t i = 0; i < CHEK_COUNT(sums); i++) {
        chek__cell_money(&list->table, sums[i], currency);
    }
}

static void
row_json(struct sums_list *list, const struct chek_sums_row *row)
{
    struct sums_name name = name_of(list, row);
    chek__json_open(list->run);
    chek__json_fields(list->run, CHEK_RECORD_SUMS_ROW, row);
    chek__json_text(list->run, "organisation_name", name.organisation_name);
    chek__json_text(list->run, "point_name", name.point_name);
    chek__json_text(list->run, "called", name.key);
    chek__json_close(list->run);
    chek__json_end(list->run);
}

static int
on_rows(void *context, struct chek_bytes_view body)
{
    struct sums_list *list = context;
    struct chek_sums_rows answer;
    int error = CHEK__DECODE(list->run, sums_rows, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.rows_count; i++) {
        if (list->run->json) {
            row_json(list, &answer.rows[i]);
        } else {
            row_show(list, &answer.rows[i]);
        }
    }
    return error;
}

/* ---- the command ------------------------------------------------------------------------------ */

/* The place of a word among those that are possible; -1: it is none of them. */
static int
word_find(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int
table_open(struct sums_list *list)
{
    switch (list->by) {
    case CHEK_SUMS_BY_REGISTER:
        return chek__table_open(&list->table, titles_register, CHEK_COUNT(titles_register), false);
    case CHEK_SUMS_BY_POINT:
        return chek__table_open(&list->table, titles_point, CHEK_COUNT(titles_point), false);
    default:
        return chek__table_open(&list->table, titles_organisation, CHEK_COUNT(titles_organisation),
                                false);
    }
}

static int
sums_ask(struct sums_list *list, const struct chek_ask_sums *question)
{
    int stop = names_ask(list, question);
    if (stop != CHEK_OK) {
        return stop;
    }
    if (table_open(list) != CHEK_OK) {
        return chek__error(list->run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(list->run, CHEK_OPCODE_ASK_SUMS, ask_sums_encode, question, on_rows, list);
    if (stop == CHEK_OK && !list->run->json) {
        chek__table_close(&list->table);
    }
    return stop;
}

static int
targets_find(struct chek__run *run, const struct chek__list *names, struct chek_ask_sums *question)
{
    struct chek_target *targets = chek_arena_take(&run->kept, (names->count + 1) * sizeof *targets);
    if (targets == NULL) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    for (uint32_t i = 0; i < names->count; i++) {
        struct chek_registered found;
        int stop = chek__register_find(run, names->values[i], &found);
        if (stop != CHEK_OK) {
            return stop;
        }
        targets[i] = (struct chek_target){.registration = found.registration};
    }
    question->targets = targets;
    question->targets_count = names->count;
    return CHEK_OK;
}

static int
analytics(struct chek__run *run, int count, char **words)
{
    static const char *const bys[] = {"register", "point", "organisation"};
    static const char *const steps[] = {"day", "hour", "all"};
    static struct sums_list list;
    static struct chek__list registers;
    const char *by = "organisation";
    const char *step = "all";
    const char *organisation = "";
    const char *point = "";
    struct chek_ask_sums question = {0};
    const struct chek__option options[] = {
        {"by", CHEK__OPTION_TEXT, (void *)&by},
        {"step", CHEK__OPTION_TEXT, (void *)&step},
        {"from", CHEK__OPTION_FROM, &question.from},
        {"to", CHEK__OPTION_TO, &question.to},
        {"kkm", CHEK__OPTION_LIST, &registers},
        {"org", CHEK__OPTION_TEXT, (void *)&organisation},
        {"point", CHEK__OPTION_TEXT, (void *)&point},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    int by_number = word_find(by, bys, CHEK_COUNT(bys));
    int step_number = word_find(step, steps, CHEK_COUNT(steps));
    if (by_number < 0 || step_number < 0) {
        return chek__usage(run, "--by register, point or organisation; --step day, hour or all");
    }
    if (step_number != CHEK_SUMS_STEP_ALL && (question.from == 0 || question.to == 0)) {
        return chek__usage(run, "--step %s needs --from and --to", step);
    }
    question.by = (uint8_t)by_number;
    question.step = (uint8_t)step_number;
    question.organisation = chek_bytes_view_text(organisation);
    question.point = chek_bytes_view_text(point);
    list.run = run;
    list.by = question.by;
    stop = targets_find(run, &registers, &question);
    return stop == CHEK_OK ? sums_ask(&list, &question) : stop;
}

const struct chek__command chek__command_analytics = {
    "analytics", "sums by register, trade point or organisation and by time",
    "  chek analytics [--by register|point|organisation] [--step day|hour|all]\n"
    "                 [--from DAY --to DAY] [--kkm K].. [--org ORG] [--point POINT]\n\n"
    "  --by     whose sums a row has (organisation)\n"
    "  --step   which time a row has (all); day and hour need --from and --to\n"
    "  Amounts of returns are shown as they are on the paper, without a minus.\n\n"
    "Examples\n"
    "  chek analytics\n"
    "  chek analytics --by point --step day --from 2026-01-01 --to 2026-01-31\n"
    "  chek analytics --by register --step hour --from 2026-01-29 --to 2026-01-29 --org 7825706086\n",
    analytics};
