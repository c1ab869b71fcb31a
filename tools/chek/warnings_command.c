/* SPDX-License-Identifier: MIT */
/*
 * warnings_command.c - chek warnings: what documents are marked with, and how often.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/memory.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"
#include "tools/chek/warning_text.h"

CHEK__ENCODER(ask_warnings)
CHEK__ENCODER(ask_marked)

struct warned_list {
    struct chek__run *run;
    struct chek__table table;
    struct chek_warned_place next; /* registration 0: there is no more */
};

/* A sale of a good that was sold before. */
struct again {
    uint32_t registration, ordinal, shift;
    uint32_t document, warnings;
    int64_t time, total;
    uint64_t sign, received;
    uint8_t key[64]; /* of its register: texts of an answer do not last */
    uint8_t key_size;
};

struct again_list {
    struct chek__run *run;
    struct again *sales;
    uint32_t count, capacity;
};

/* ---- how many --------------------------------------------------------------------------------- */

static void
register_show(struct warned_list *list, const struct chek_warned_register *what)
{
    struct chek__run *run = list->run;
    if (run->json) {
        chek__json_record(run, NULL, CHEK_RECORD_WARNED_REGISTER, what);
        chek__json_end(run);
        return;
    }
    for (uint32_t i = 0; i < what->counts_count; i++) {
        chek__cell_number(&list->table, what->registration);
        chek__cell(&list->table, what->key);
        chek__cell_text(&list->table, chek__warning_name(what->counts[i].warning));
        chek__cell_number(&list->table, what->counts[i].count);
        chek__cell_text(&list->table, chek__warning_text(what->counts[i].warning));
    }
}

/* ---- which ------------------------------------------------------------------------------------ */

static void
marks_json(struct chek__run *run, uint32_t warnings)
{
    chek__json_list_open(run, "marks");
    for (uint32_t i = 0; i < CHEK_WARNING_COUNT; i++) {
        if ((warnings >> i & 1) != 0) {
            chek__json_text(run, NULL, chek_bytes_view_text(chek__warning_name(i)));
        }
    }
    chek__json_list_close(run);
}

static void
document_show(struct warned_list *list, const struct chek_warned *what)
{
    struct chek__run *run = list->run;
    char marks[CHEK__WARNING_NAMES_MAX];
    if (run->json) {
        chek__json_open(run);
        chek__json_fields(run, CHEK_RECORD_WARNED, what);
        marks_json(run, (uint32_t)what->warnings);
        chek__json_close(run);
        chek__json_end(run);
        return;
    }
    chek__cell_time(&list->table, what->time);
    chek__cell_number(&list->table, what->registration);
    chek__cell(&list->table, what->key);
    chek__cell_number(&list->table, what->ordinal);
    chek__cell_number(&list->table, what->shift);
    chek__cell_number(&list->table, what->document);
    chek__cell_text(&list->table, chek__warning_names((uint32_t)what->warnings, marks));
}

static int
on_warned_list(void *context, struct chek_bytes_view body)
{
    struct warned_list *list = context;
    struct chek_warned_list answer;
    int error = CHEK__DECODE(list->run, warned_list, body, &answer);
    if (error != CHEK_OK) {
        return error;
    }
    for (uint32_t i = 0; i < answer.registers_count; i++) {
        register_show(list, &answer.registers[i]);
    }
    for (uint32_t i = 0; i < answer.documents_count; i++) {
        document_show(list, &answer.documents[i]);
    }
    if (answer.next != NULL) {
        list->next = *answer.next;
    }
    return CHEK_OK;
}

/* ---- goods that were sold again --------------------------------------------------------------- */

/*
 * No document is marked as such a sale, and no register has a count: they are found by their codes,
 * when somebody asks (D-041). The answer is in no order, so all of it is kept and sorted here.
 */
static void
again_add(struct again_list *list, const struct chek_marked *marked)
{
    const struct chek_stored *stored = marked->stored;
    const struct chek_receipt *receipt = stored->receipt;
    struct again *sale = &list->sales[list->count++];
    *sale = (struct again){.registration = (uint32_t)stored->registration,
                           .ordinal = (uint32_t)stored->ordinal,
                           .shift = (uint32_t)stored->shift,
                           .document = (uint32_t)receipt->document,
                           .warnings = (uint32_t)stored->warnings,
                           .time = receipt->time,
                           .total = receipt->total,
                           .sign = receipt->sign,
                           .received = stored->received,
                           .key_size = (uint8_t)marked->key.size};
    if (marked->key.size != 0) {
        memcpy(sale->key, marked->key.bytes, marked->key.size);
    }
}

static int
on_again(void *context, struct chek_bytes_view body)
{
    struct again_list *list = context;
    struct chek_marked_list answer;
    int error = CHEK__DECODE(list->run, marked_list, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.receipts_count; i++) {
        const struct chek_marked *marked = &answer.receipts[i];
        if (marked->stored->receipt == NULL || marked->key.size > sizeof list->sales->key) {
            return CHEK_E_FIELD_MISSING;
        }
        if (list->count == list->capacity) {
            uint32_t capacity = list->capacity != 0 ? 2 * list->capacity : 256;
            struct again *grown = chek_memory_grow(list->sales, list->capacity * sizeof *grown,
                                                   capacity * sizeof *grown);
            if (grown == NULL) {
                return -ENOMEM;
            }
            list->sales = grown;
            list->capacity = capacity;
        }
        again_add(list, marked);
    }
    return error;
}

static int
again_compare(const void *a, const void *b)
{
    const struct again *left = a;
    const struct again *right = b;
    return left->registration != right->registration
               ? (left->registration < right->registration ? -1 : 1)
               : (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

/* Sort, and leave one of each receipt: it may have several goods. */
static void
again_sort(struct again_list *list)
{
    uint32_t count = 0;
    if (list->count != 0) {
        qsort(list->sales, list->count, sizeof *list->sales, again_compare);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (count == 0 || again_compare(&list->sales[count - 1], &list->sales[i]) != 0) {
            list->sales[count++] = list->sales[i];
        }
    }
    list->count = count;
}

static bool
again_is_wanted(const struct again *sale, const struct chek_ask_warnings *question)
{
    const struct chek_warned_place *after = question->after;
    return sale->time >= question->from && (question->to == 0 || sale->time <= question->to) &&
           (after == NULL || sale->registration > after->registration ||
            (sale->registration == after->registration && sale->ordinal > after->ordinal));
}

static void
again_documents(const struct again_list *sales, const struct chek_ask_warnings *question,
                struct warned_list *list)
{
    uint64_t shown = 0;
    const struct again *last = NULL;
    for (uint32_t i = 0; i < sales->count; i++) {
        const struct again *sale = &sales->sales[i];
        if (!again_is_wanted(sale, question)) {
            continue;
        }
        if (question->count_max != 0 && shown == question->count_max) {
            list->next = (struct chek_warned_place){.registration = last->registration,
                                                    .ordinal = last->ordinal};
            return;
        }
        struct chek_warned what = {.registration = sale->registration,
                                   .key = chek_bytes_view_of(sale->key, sale->key_size),
                                   .ordinal = sale->ordinal,
                                   .kind = CHEK_EVENT_KIND_RECEIPT,
                                   .time = sale->time,
                                   .received = sale->received,
                                   .shift = sale->shift,
                                   .document = sale->document,
                                   .sign = sale->sign,
                                   .total = sale->total,
                                   .warnings = sale->warnings | UINT32_C(1)
                                                                    << CHEK_WARNING_SOLD_AGAIN};
        document_show(list, &what);
        shown += 1;
        last = sale;
    }
}

static void
again_counts(const struct again_list *sales, struct warned_list *list)
{
    for (uint32_t at = 0; at < sales->count;) {
        const struct again *sale = &sales->sales[at];
        struct chek_warning_count count = {.warning = CHEK_WARNING_SOLD_AGAIN};
        for (; at < sales->count && sales->sales[at].registration == sale->registration; at++) {
            count.count += 1;
        }
        register_show(list, &(struct chek_warned_register){
                                .registration = sale->registration,
                                .key = chek_bytes_view_of(sale->key, sale->key_size),
                                .counts = &count,
                                .counts_count = 1});
    }
}

static int
again_ask(const struct chek_ask_warnings *question, struct warned_list *list)
{
    struct again_list sales = {.run = list->run};
    struct chek_ask_marked what = {.target = question->target,
                                   .organisation = question->organisation,
                                   .point = question->point};
    int stop = chek__ask(list->run, CHEK_OPCODE_ASK_SOLD_AGAIN, ask_marked_encode, &what, on_again,
                         &sales);
    if (stop == CHEK_OK) {
        again_sort(&sales);
        if (question->documents) {
            again_documents(&sales, question, list);
        } else {
            again_counts(&sales, list);
        }
    }
    chek_memory_free(sales.sales, sales.capacity * sizeof *sales.sales);
    return stop;
}

/* ---- the question ----------------------------------------------------------------------------- */

static int
warnings_ask(struct chek__run *run, const struct chek_ask_warnings *question)
{
    static const char *const counts[] = {"register", "<called", "<warning", "count", "<meaning"};
    static const char *const documents[] = {"<time", "register", "<called",  "ordinal",
                                            "shift", "document", "<warnings"};
    static struct warned_list list;
    const char *const *titles = question->documents ? documents : counts;
    uint32_t count = question->documents ? CHEK_COUNT(documents) : CHEK_COUNT(counts);
    list.run = run;
    if (chek__table_open(&list.table, titles, count, false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    int stop = question->warnings == UINT32_C(1) << CHEK_WARNING_SOLD_AGAIN
                   ? again_ask(question, &list)
                   : chek__ask(run, CHEK_OPCODE_ASK_WARNINGS, ask_warnings_encode, question,
                               on_warned_list, &list);
    if (stop != CHEK_OK) {
        return stop;
    }
    if (!run->json) {
        chek__table_close(&list.table);
    }
    if (list.next.registration != 0 && run->json) {
        chek__json_record(run, NULL, CHEK_RECORD_WARNED_PLACE, &list.next);
        chek__json_end(run);
    } else if (list.next.registration != 0) {
        printf("more: --after %u:%u\n", (unsigned)list.next.registration,
               (unsigned)list.next.ordinal);
    }
    return CHEK_OK;
}

/* Read REGISTER:ORDINAL. */
static bool
place_read(const char *text, struct chek_warned_place *ret)
{
    const char *colon = strchr(text, ':');
    uint64_t registration = 0;
    uint64_t ordinal = 0;
    if (colon == NULL ||
        chek_decimal_read_u64(chek_bytes_view_of(text, (size_t)(colon - text)), &registration) !=
            CHEK_OK ||
        chek_decimal_read_u64(chek_bytes_view_text(colon + 1), &ordinal) != CHEK_OK ||
        registration == 0 || registration > UINT32_MAX || ordinal > UINT32_MAX) {
        return false;
    }
    *ret = (struct chek_warned_place){.registration = (uint32_t)registration,
                                      .ordinal = (uint32_t)ordinal};
    return true;
}

/* What the options say. */
struct warnings_wish {
    const char *name, *organisation, *point, *after;
    struct chek__list kinds;
    uint64_t limit;
    int64_t from, to;
    bool list;
};

static int
warnings_run(struct chek__run *run, const struct warnings_wish *wish)
{
    struct chek_registered whose;
    struct chek_target target = {0};
    struct chek_warned_place after;
    struct chek_ask_warnings question = {.organisation = chek_bytes_view_text(wish->organisation),
                                         .point = chek_bytes_view_text(wish->point),
                                         .documents = wish->list,
                                         .from = wish->from,
                                         .to = wish->to,
                                         .count_max = (uint32_t)wish->limit};
    for (uint32_t i = 0; i < wish->kinds.count; i++) {
        int warning = chek__warning_find(wish->kinds.values[i]);
        if (warning < 0) {
            return chek__usage(run, "--warning: there is none of this name; chek warnings --help");
        }
        question.warnings |= UINT32_C(1) << warning;
    }
    if ((question.warnings >> CHEK_WARNING_SOLD_AGAIN & 1) != 0 && wish->kinds.count != 1) {
        return chek__usage(run, "--warning sold_again is looked for alone");
    }
    if (wish->after != NULL) {
        if (!place_read(wish->after, &after)) {
            return chek__usage(run, "--after is REGISTER:ORDINAL, as a page before it ended with");
        }
        question.after = &after;
    }
    if (wish->name != NULL) {
        int stop = chek__register_find(run, wish->name, &whose);
        if (stop != CHEK_OK) {
            return stop;
        }
        target.registration = (uint32_t)whose.registration;
        question.target = &target;
    }
    return warnings_ask(run, &question);
}

static int
warnings(struct chek__run *run, int count, char **words)
{
    struct warnings_wish wish = {.organisation = "", .point = ""};
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&wish.name},
        {"org", CHEK__OPTION_TEXT, (void *)&wish.organisation},
        {"point", CHEK__OPTION_TEXT, (void *)&wish.point},
        {"warning", CHEK__OPTION_LIST, &wish.kinds},
        {"list", CHEK__OPTION_FLAG, &wish.list},
        {"from", CHEK__OPTION_FROM, &wish.from},
        {"to", CHEK__OPTION_TO, &wish.to},
        {"limit", CHEK__OPTION_NUMBER, &wish.limit},
        {"after", CHEK__OPTION_TEXT, (void *)&wish.after},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (!wish.list && (wish.from != 0 || wish.to != 0 || wish.limit != 0 || wish.after != NULL)) {
        return chek__usage(run, "--from, --to, --limit and --after are of a --list");
    }
    if (wish.limit > UINT32_MAX) {
        return chek__usage(run, "--limit: nobody has so many");
    }
    return warnings_run(run, &wish);
}

const struct chek__command chek__command_warnings = {
    "warnings", "what documents are marked with, and how often",
    "  chek warnings [--kkm K] [--org ORG] [--point POINT] [--warning NAME]..\n"
    "  chek warnings --list [--from DAY] [--to DAY] [--limit N] [--after REGISTER:ORDINAL] ..\n\n"
    "  How many documents of each register are marked with what; with --list the documents, by\n"
    "  register and in the order in which they came. A copy that a fuller one replaced does not\n"
    "  count. Conflicts, repeats that differ and refusals are counted and mark no document.\n\n"
    "  late shift_unknown document_gap cash_negative total_differs payments_absent shift_differs\n"
    "  time_back shift_long line_differs tax_differs offline_long clock_differs number_again\n"
    "  conflict retry_differs refused tin_wrong register_number_wrong\n\n"
    "  sold_again, which has to be named and is named alone: sales of marked goods that were sold\n"
    "  before and not returned since. No document is marked so: the codes of all receipts are\n"
    "  looked through, which takes as long as chek marking --sold-again.\n\n"
    "Examples\n"
    "  chek warnings --org 123456789012\n"
    "  chek warnings --warning sold_again --kkm fn:9280440300671993\n"
    "  chek warnings --list --kkm device:201873 --warning offline_long --from 2026-03-01 --json\n",
    warnings};
