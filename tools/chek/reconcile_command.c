/* SPDX-License-Identifier: MIT */
/*
 * reconcile_command.c - chek reconcile: what a register counted itself against what the engine did.
 */
#include <errno.h>
#include <stdio.h>

#include "engine/base/civil.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"

#define OF_SIZE 80

CHEK__ENCODER(ask_reconcile)

struct reconcile_list {
    struct chek__run *run;
    uint16_t currency;
    struct chek__table table;
};

/* ---- for programs ----------------------------------------------------------------------------- */

static void
shift_json(struct reconcile_list *list, const struct chek_reconciliation *shift)
{
    struct chek__run *run = list->run;
    char closed[CHEK_CIVIL_TEXT_MAX];
    size_t closed_size = chek_civil_write(shift->closed, closed);
    chek__json_open(run);
    chek__json_number(run, "registration", (int64_t)shift->registration);
    chek__json_number(run, "shift", (int64_t)shift->shift);
    chek__json_text(run, "closed", chek_bytes_view_of(closed, closed_size));
    chek__json_flag(run, "stated", shift->stated);
    chek__json_currency(run, list->currency);
    chek__json_list_open(run, "differences");
    for (uint32_t i = 0; i < shift->differences_count; i++) {
        const struct chek_difference *difference = &shift->differences[i];
        chek__json_open(run);
        chek__json_text(run, "figure",
                        chek_bytes_view_text(chek_field_name((uint16_t)difference->field)));
        chek__json_fields(run, CHEK_RECORD_DIFFERENCE, difference);
        chek__json_close(run);
    }
    chek__json_list_close(run);
    chek__json_number(run, "more", (int64_t)shift->more);
    chek__json_close(run);
    chek__json_end(run);
}

/* ---- for people ------------------------------------------------------------------------------- */

static bool
is_count(const struct chek_difference *difference)
{
    switch (difference->field) {
    case CHEK_FIELD_REPORT_OPERATION_DISCOUNTS:
    case CHEK_FIELD_REPORT_OPERATION_MARKUPS:
        return difference->kind != 0;
    case CHEK_FIELD_REPORT_OPERATION_TICKETS:
    case CHEK_FIELD_REPORT_OPERATION_POSITIONS:
    case CHEK_FIELD_REPORT_OPERATION_OFFLINE:
    case CHEK_FIELD_REPORT_PAYMENT_COUNT:
    case CHEK_FIELD_REPORT_ROW_COUNT:
    case CHEK_FIELD_REPORT_MOVEMENT_COUNT:
    case CHEK_FIELD_REPORT_MOVEMENT_OFFLINE:
    case CHEK_FIELD_REPORT_SHIFT:
    case CHEK_FIELD_CLOSE_FIGURES:
        return true;
    default:
        return false;
    }
}

static bool
is_of_operation(uint32_t field)
{
    return field != CHEK_FIELD_REPORT_CASH && field != CHEK_FIELD_REPORT_REVENUE &&
           field != CHEK_FIELD_REPORT_SHIFT && field != CHEK_FIELD_CLOSE_FIGURES &&
           field != CHEK_FIELD_REPORT_MOVEMENT_COUNT && field != CHEK_FIELD_REPORT_MOVEMENT_SUM &&
           field != CHEK_FIELD_REPORT_MOVEMENT_OFFLINE;
}

static void
value_cell(struct reconcile_list *list, const struct chek_difference *difference, chek_i128 value)
{
    char text[TABLE_MONEY_TEXT_MAX];
    size_t size = is_count(difference) ? chek__i128_text(value, 0, text)
                                       : chek__money_text(value, list->currency, text);
    chek__cell(&list->table, chek_bytes_view_of(text, size));
}

/* Which payment, tax, movement, section or operator. */
static void
of_cell(struct reconcile_list *list, const struct chek_difference *difference)
{
    char text[OF_SIZE] = "";
    switch (difference->field) {
    case CHEK_FIELD_REPORT_OPERATION_DISCOUNTS:
    case CHEK_FIELD_REPORT_OPERATION_MARKUPS:
        (void)snprintf(text, sizeof text, "%s", difference->kind != 0 ? "count" : "sum");
        break;
    case CHEK_FIELD_REPORT_PAYMENT_COUNT:
    case CHEK_FIELD_REPORT_PAYMENT_SUM:
        (void)snprintf(text, sizeof text, "%s",
                       chek__payment_name((uint8_t)(difference->kind - 1)));
        break;
    case CHEK_FIELD_REPORT_TAX_TURNOVER:
    case CHEK_FIELD_REPORT_TAX_TURNOVER_WITHOUT_TAX:
    case CHEK_FIELD_REPORT_TAX_SUM:
        (void)snprintf(text, sizeof text, "%u.%03u %%", difference->rate / 1000,
                       difference->rate % 1000);
        break;
    case CHEK_FIELD_REPORT_MOVEMENT_COUNT:
    case CHEK_FIELD_REPORT_MOVEMENT_OFFLINE:
    case CHEK_FIELD_REPORT_MOVEMENT_SUM:
        (void)snprintf(text, sizeof text, "%s",
                       difference->kind == CHEK_DIRECTION_DEPOSIT + 1 ? "deposit" : "withdrawal");
        break;
    default:
        (void)snprintf(text, sizeof text, "%.*s", (int)difference->key.size,
                       (const char *)difference->key.bytes);
    }
    chek__cell_text(&list->table, text);
}

static void
difference_row(struct reconcile_list *list, const struct chek_reconciliation *shift,
               const struct chek_difference *difference)
{
    chek__cell_number(&list->table, shift->shift);
    chek__cell_time(&list->table, shift->closed);
    chek__cell_text(&list->table, chek_field_name((uint16_t)difference->field));
    chek__cell_text(&list->table, is_of_operation(difference->field)
                                      ? chek__operation_name(difference->operation)
                                      : "");
    of_cell(list, difference);
    value_cell(list, difference, difference->stated);
    value_cell(list, difference, difference->counted);
}

/* A shift that nothing can be told of figure by figure. */
static void
shift_row(struct reconcile_list *list, const struct chek_reconciliation *shift, const char *text)
{
    chek__cell_number(&list->table, shift->shift);
    chek__cell_time(&list->table, shift->closed);
    chek__cell_text(&list->table, text);
    for (uint32_t i = 3; i < list->table.column_count; i++) {
        chek__cell_text(&list->table, "");
    }
}

static void
shift_table(struct reconcile_list *list, const struct chek_reconciliation *shift)
{
    for (uint32_t i = 0; i < shift->differences_count; i++) {
        difference_row(list, shift, &shift->differences[i]);
    }
    if (!shift->stated) {
        shift_row(list, shift, "the register says nothing");
    } else if (shift->differences_count == 0) {
        shift_row(list, shift, "equal");
    } else if (shift->more != 0) {
        shift_row(list, shift, "and more");
    }
}

/* ---- the command ------------------------------------------------------------------------------ */

static int
on_reconciliations(void *context, struct chek_bytes_view body)
{
    struct reconcile_list *list = context;
    struct chek_reconciliations answer;
    int error = CHEK__DECODE(list->run, reconciliations, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.shifts_count; i++) {
        if (list->run->json) {
            shift_json(list, &answer.shifts[i]);
        } else {
            shift_table(list, &answer.shifts[i]);
        }
    }
    return error;
}

static int
reconcile(struct chek__run *run, int count, char **words)
{
    static const char *const titles[] = {"shift", "<closed",        "<figure", "<operation",
                                         "<of",   "register's own", "counted"};
    static struct reconcile_list list;
    const char *name = NULL;
    struct chek__range shifts = {0};
    struct chek_registered whose;
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&name},
        {"shift", CHEK__OPTION_RANGE, &shifts},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (name == NULL) {
        return chek__usage(run, "which register? --kkm K");
    }
    stop = chek__register_find(run, name, &whose);
    if (stop != CHEK_OK) {
        return stop;
    }
    struct chek_target target = {.registration = (uint32_t)whose.registration};
    struct chek_ask_reconcile question = {
        .target = &target, .shift_from = shifts.first, .shift_to = shifts.last};
    list.run = run;
    list.currency = chek__register_currency(whose.profile);
    if (chek__table_open(&list.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_RECONCILE, ask_reconcile_encode, &question,
                     on_reconciliations, &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

const struct chek__command chek__command_reconcile = {
    "reconcile", "a register's own Z against the engine's, figure by figure",
    "  chek reconcile --kkm K [--shift N | --shift A..B]\n\n"
    "  Closed shifts whose close carried what the register counted itself (Kazakh registers send\n"
    "  it), each with the figures that differ. What came after a close is in neither.\n\n"
    "Examples\n"
    "  chek reconcile --kkm device:201873\n"
    "  chek reconcile --kkm device:201873 --shift 4..9 --json\n",
    reconcile};
