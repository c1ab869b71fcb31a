/* SPDX-License-Identifier: MIT */
/*
 * report_command.c - chek report x, chek report z, chek shifts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"

#define SHIFT_COUNT_MAX 1048576 /* of one command */

CHEK__ENCODER(ask_report)
CHEK__ENCODER(ask_shifts)

/* ---- one report ------------------------------------------------------------------------------- */

struct report_run {
    struct chek__run *run;
    const struct chek_registered *whose;
    bool any;            /* something was shown before */
    bool is_several;     /* of a range, in which one that is open is left out: */
    uint32_t open_shift; /* its number; 0 = none is */
};

static int
on_report(void *context, struct chek_bytes_view body)
{
    struct report_run *report = context;
    struct chek__run *run = report->run;
    struct chek_answer_report answer;
    int error = CHEK__DECODE(run, answer_report, body, &answer);
    if (error != CHEK_OK) {
        return error;
    }
    if (run->json) {
        chek__json_open(run);
        chek__json_record(run, "register", CHEK_RECORD_REGISTERED, report->whose);
        chek__json_record(run, "report", CHEK_RECORD_REPORT, answer.report);
        chek__json_record(run, "late", CHEK_RECORD_REPORT, answer.late);
        if (answer.chain != NULL) {
            chek__json_flag(run, "covered", answer.covered);
            chek__json_record(run, "chain", CHEK_RECORD_CHAIN_REACH, answer.chain);
        }
        if (report->is_several && report->open_shift != 0) {
            chek__json_number(run, "open_shift", report->open_shift);
        } else if (report->is_several) {
            chek__json_null(run, "open_shift");
        }
        chek__json_close(run);
        chek__json_end(run);
    } else {
        (void)fputs(report->any ? "\n" : "", stdout);
        chek__report_print(report->whose, &answer);
    }
    report->any = true;
    return CHEK_OK;
}

/* What is asked of one register. */
struct report_wish {
    uint32_t shift; /* 0: the open one */
    uint64_t revision;
    bool closed;
};

#define REVISION_NEWEST UINT64_MAX

static int
report_ask(struct report_run *report, const struct report_wish *wish)
{
    struct chek_target target = {.registration = report->whose->registration};
    struct chek_ask_report question = {
        .target = &target, .shift = wish->shift, .closed = wish->closed};
    if (wish->revision != REVISION_NEWEST) {
        question.revision = (uint32_t)wish->revision + 1;
    }
    return chek__ask(report->run, CHEK_OPCODE_ASK_REPORT, ask_report_encode, &question, on_report,
                     report);
}

/* ---- x ---------------------------------------------------------------------------------------- */

static int
report_x(struct chek__run *run, int count, char **words)
{
    static struct chek__list registers;
    struct report_run report = {.run = run};
    const struct chek__option options[] = {{"kkm", CHEK__OPTION_LIST, &registers}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (registers.count == 0) {
        return chek__usage(run, "which register? --kkm K");
    }
    for (uint32_t i = 0; i < registers.count && stop == CHEK_OK; i++) {
        struct chek_registered whose;
        struct report_wish wish = {.revision = REVISION_NEWEST};
        stop = chek__register_find(run, registers.values[i], &whose);
        if (stop == CHEK_OK) {
            report.whose = &whose;
            stop = report_ask(&report, &wish);
        }
    }
    return stop;
}

const struct chek__command chek__command_report_x = {
    "report x", "where a register's open shift stands (X)",
    "  chek report x --kkm K..\n\n"
    "Examples\n"
    "  chek report x --kkm 0001581560009059\n"
    "  chek report x --kkm fn:9280440300671993 --json\n",
    report_x};

/* ---- shifts of a register --------------------------------------------------------------------- */

/* What --shift, --from and --to say. */
struct shift_wish {
    struct chek__range shifts;
    int64_t from, to;
};

static int
shifts_ask(struct chek__run *run, uint32_t registration, const struct shift_wish *wish,
           chek_client_on_body on_body, void *context)
{
    struct chek_target target = {.registration = registration};
    struct chek_ask_shifts question = {.target = &target,
                                       .from = wish->from,
                                       .to = wish->to,
                                       .shift_from = wish->shifts.first,
                                       .shift_to = wish->shifts.last};
    return chek__ask(run, CHEK_OPCODE_ASK_SHIFTS, ask_shifts_encode, &question, on_body, context);
}

/* ---- z ---------------------------------------------------------------------------------------- */

/* Numbers of the shifts that are closed, or all when none of several may be left out. */
struct numbers {
    struct chek__run *run;
    uint32_t open_shift; /* one that is there and has no Z yet; 0 = none */
    uint32_t *list;
    uint32_t count, capacity;
};

static int
on_shift_numbers(void *context, struct chek_bytes_view body)
{
    struct numbers *numbers = context;
    struct chek_shifts answer;
    int error = CHEK__DECODE(numbers->run, shifts, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.shifts_count; i++) {
        if (answer.shifts[i].closed == 0) {
            numbers->open_shift = answer.shifts[i].shift;
            continue;
        }
        if (numbers->count == numbers->capacity) {
            return CHEK_E_LIMIT;
        }
        numbers->list[numbers->count++] = answer.shifts[i].shift;
    }
    return error;
}

/* Every closed shift that the wish contains; one that is named by its number is just asked for. */
static int
reports_ask(struct report_run *report, const struct shift_wish *wish, struct report_wish *what)
{
    if (wish->shifts.first != 0 && wish->shifts.first == wish->shifts.last) {
        what->shift = wish->shifts.first;
        return report_ask(report, what);
    }
    struct numbers numbers = {.run = report->run, .capacity = SHIFT_COUNT_MAX};
    numbers.list = chek_arena_take(&report->run->kept, SHIFT_COUNT_MAX * sizeof *numbers.list);
    if (numbers.list == NULL) {
        return chek__error(report->run, -ENOMEM, NULL, NULL);
    }
    int stop =
        shifts_ask(report->run, report->whose->registration, wish, on_shift_numbers, &numbers);
    report->is_several = true;
    report->open_shift = numbers.open_shift;
    if (stop == CHEK_OK && numbers.count == 0 && numbers.open_shift != 0) {
        return chek__error(report->run, CHEK_E_SHIFT_OPEN, "shift", NULL);
    }
    if (stop == CHEK_OK && numbers.count == 0) {
        return chek__error(report->run, CHEK_E_NOT_FOUND, "shift", "no closed shift there");
    }
    for (uint32_t i = 0; i < numbers.count && stop == CHEK_OK; i++) {
        what->shift = numbers.list[i];
        stop = report_ask(report, what);
    }
    if (stop == CHEK_OK && numbers.open_shift != 0 && !report->run->json) {
        (void)printf("\nShift %u is open and has no Z yet: chek report x shows it.\n",
                     numbers.open_shift);
    }
    return stop;
}

static int
report_z(struct chek__run *run, int count, char **words)
{
    const char *name = NULL;
    struct shift_wish wish = {0};
    struct report_wish what = {.revision = REVISION_NEWEST, .closed = true};
    struct chek_registered whose;
    struct report_run report = {.run = run, .whose = &whose};
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&name},
        {"shift", CHEK__OPTION_RANGE, &wish.shifts},
        {"from", CHEK__OPTION_FROM, &wish.from},
        {"to", CHEK__OPTION_TO, &wish.to},
        {"revision", CHEK__OPTION_NUMBER, &what.revision},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (name == NULL || (wish.shifts.first == 0 && wish.from == 0 && wish.to == 0)) {
        return chek__usage(run,
                           "chek report z --kkm K, and --shift N, --shift A..B or --from --to");
    }
    if (what.revision != REVISION_NEWEST && what.revision >= UINT32_MAX) {
        return chek__usage(run, "--revision: no report has so many");
    }
    stop = chek__register_find(run, name, &whose);
    return stop == CHEK_OK ? reports_ask(&report, &wish, &what) : stop;
}

const struct chek__command chek__command_report_z = {
    "report z", "what a register's shift closed with (Z), and what came after",
    "  chek report z --kkm K --shift N [--revision R]\n"
    "  chek report z --kkm K --shift A..B | --from DAY --to DAY\n\n"
    "  --revision   how it looked when R documents had come after the close; absent: now\n"
    "  A shift of a range that is open is left out, and named: `open_shift` of each report\n\n"
    "Examples\n"
    "  chek report z --kkm 0001581560009059 --shift 4\n"
    "  chek report z --kkm 0001581560009059 --shift 4 --revision 0\n"
    "  chek report z --kkm 0001581560009059 --from 2021-06-01 --to 2021-06-30 --json\n",
    report_z};

/* ---- shifts ----------------------------------------------------------------------------------- */

struct shift_list {
    struct chek__run *run;
    const struct chek_registered *whose;
    uint16_t currency;
    struct chek__table table;
};

static void
shift_show(struct shift_list *list, const struct chek_shift *shift)
{
    chek__cell_number(&list->table, shift->shift);
    chek__cell_time(&list->table, shift->opened);
    chek__cell_text(&list->table, shift->closed == 0 ? "open" : "closed");
    chek__cell_time(&list->table, shift->closed);
    chek__cell_time(&list->table, shift->last);
    chek__cell_number(&list->table, shift->revision);
    chek__cell_number(&list->table, shift->tickets);
    chek__cell_money(&list->table, shift->revenue, list->currency);
    chek__cell(&list->table, shift->point);
}

static int
on_shifts(void *context, struct chek_bytes_view body)
{
    struct shift_list *list = context;
    struct chek_shifts answer;
    int error = CHEK__DECODE(list->run, shifts, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.shifts_count; i++) {
        if (!list->run->json) {
            shift_show(list, &answer.shifts[i]);
            continue;
        }
        chek__json_open(list->run);
        chek__json_fields(list->run, CHEK_RECORD_SHIFT, &answer.shifts[i]);
        chek__json_currency(list->run, list->currency);
        chek__json_close(list->run);
        chek__json_end(list->run);
    }
    return error;
}

static int
shifts(struct chek__run *run, int count, char **words)
{
    static const char *const titles[] = {"shift",   "<opened",        "<state",
                                         "<closed", "<last document", "revision",
                                         "tickets", "revenue",        "<point"};
    static struct shift_list list;
    const char *name = NULL;
    struct shift_wish wish = {0};
    struct chek_registered whose;
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&name},
        {"shift", CHEK__OPTION_RANGE, &wish.shifts},
        {"from", CHEK__OPTION_FROM, &wish.from},
        {"to", CHEK__OPTION_TO, &wish.to},
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
    list.run = run;
    list.whose = &whose;
    list.currency = chek__register_currency(whose.profile);
    if (chek__table_open(&list.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = shifts_ask(run, whose.registration, &wish, on_shifts, &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

const struct chek__command chek__command_shifts = {
    "shifts", "the shifts of a register",
    "  chek shifts --kkm K [--shift N | --shift A..B] [--from DAY] [--to DAY]\n\n"
    "Examples\n"
    "  chek shifts --kkm 0001581560009059\n"
    "  chek shifts --kkm 0001581560009059 --from 2021-06-01 --to 2021-06-30\n",
    shifts};
