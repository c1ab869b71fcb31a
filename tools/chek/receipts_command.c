/* SPDX-License-Identifier: MIT */
/*
 * receipts_command.c - chek receipts (a list) and chek receipt (one).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/money.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/person_words.h"
#include "tools/chek/receipt_print.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"
#include "tools/chek/warning_text.h"

CHEK__ENCODER(ask_receipts)
CHEK__ENCODER(ask_receipt)
CHEK__ENCODER(ask_registers)

/* ---- JSON of a stored document ---------------------------------------------------------------- */

static void
stored_json(struct chek__run *run, const struct chek_registered *whose,
            const struct chek_stored *stored, const struct chek__known *known)
{
    chek__json_open(run);
    chek__json_fields(run, CHEK_RECORD_STORED, stored);
    if (known != NULL) {
        chek__json_list_open(run, "known_persons");
        for (uint32_t i = 0; i < known->count; i++) {
            chek__json_record(run, NULL, CHEK_RECORD_KNOWN_PERSON, &known->persons[i]);
        }
        chek__json_list_close(run);
    }
    chek__json_currency(run, chek__register_currency(whose != NULL ? whose->profile : NULL));
    chek__json_close(run);
    chek__json_end(run);
}

/* ---- the list --------------------------------------------------------------------------------- */

struct receipt_list {
    struct chek__run *run;
    const struct chek_registered *whose;
    uint16_t currency;
    bool json;
    struct chek__table table;
};

static const char *const receipt_titles[] = {"ordinal", "<time",     "shift", "document", "<kind",
                                             "total",   "cash",      "card",  "other",    "lines",
                                             "sign",    "<operator", "<notes"};

/* Cash, card and the rest. */
static void
payment_cells(struct receipt_list *list, const struct chek_receipt *receipt)
{
    int64_t sums[3] = {0};
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        const struct chek_payment *payment = &receipt->payments[i];
        unsigned at = payment->kind == CHEK_PAYMENT_KIND_CASH   ? 0
                      : payment->kind == CHEK_PAYMENT_KIND_CARD ? 1
                                                                : 2;
        sums[at] += payment->sum;
    }
    for (unsigned i = 0; i < CHEK_COUNT(sums); i++) {
        chek__cell_money(&list->table, sums[i], list->currency);
    }
}

static void
notes_cell(struct receipt_list *list, const struct chek_stored *stored)
{
    char text[CHEK__WARNING_NAMES_MAX];
    chek__cell_text(&list->table, chek__warning_names((uint32_t)stored->warnings, text));
}

static void
receipt_row(struct receipt_list *list, const struct chek_stored *stored)
{
    const struct chek_receipt *receipt = stored->receipt;
    chek__cell_time(&list->table, receipt->time);
    chek__cell_number(&list->table, stored->shift);
    chek__cell_number(&list->table, receipt->document);
    chek__cell_text(&list->table, chek__operation_name(receipt->operation));
    chek__cell_money(&list->table, receipt->total, list->currency);
    payment_cells(list, receipt);
    chek__cell_number(&list->table, receipt->lines_count);
    chek__cell_number(&list->table, receipt->sign != 0 ? receipt->sign : receipt->autonomous);
    chek__cell(&list->table, receipt->operator);
}

static void
movement_row(struct receipt_list *list, const struct chek_stored *stored)
{
    const struct chek_movement *movement = stored->movement;
    bool in = movement->direction == CHEK_DIRECTION_DEPOSIT;
    chek__cell_time(&list->table, movement->time);
    chek__cell_number(&list->table, stored->shift);
    chek__cell_number(&list->table, movement->document);
    chek__cell_text(&list->table, in ? "CASH PUT IN" : "CASH TAKEN OUT");
    chek__cell_money(&list->table, movement->sum, list->currency);
    for (unsigned i = 0; i < 4; i++) {
        chek__cell_text(&list->table, "");
    }
    chek__cell_number(&list->table, movement->autonomous);
    chek__cell(&list->table, movement->operator);
}

static void
close_row(struct receipt_list *list, const struct chek_stored *stored)
{
    chek__cell_time(&list->table, stored->close->time);
    chek__cell_number(&list->table, stored->shift);
    chek__cell_number(&list->table, stored->close->document);
    chek__cell_text(&list->table, "CLOSE");
    for (unsigned i = 0; i < 5; i++) {
        chek__cell_text(&list->table, "");
    }
    chek__cell_number(&list->table, stored->close->sign);
    chek__cell(&list->table, stored->close->operator);
}

static int
on_stored_list(void *context, struct chek_bytes_view body)
{
    struct receipt_list *list = context;
    struct chek_stored_list answer;
    int error = CHEK__DECODE(list->run, stored_list, body, &answer);
    if (error == CHEK_OK) {
        chek__removed_note(&answer);
    }
    for (uint32_t i = 0; error == CHEK_OK && i < answer.receipts_count; i++) {
        const struct chek_stored *stored = &answer.receipts[i];
        if (list->json) {
            stored_json(list->run, list->whose, stored, NULL);
            continue;
        }
        chek__cell_number(&list->table, stored->ordinal);
        if (stored->receipt != NULL) {
            receipt_row(list, stored);
        } else if (stored->movement != NULL) {
            movement_row(list, stored);
        } else if (stored->close != NULL) {
            close_row(list, stored);
        } else {
            return CHEK_E_FIELD_MISSING;
        }
        notes_cell(list, stored);
    }
    return error;
}

/* What the options of `receipts` say. */
struct receipts_wish {
    const char *register_name, *format;
    struct chek__range shifts;
    int64_t from, to;
    uint64_t limit, after;
};

static int
receipts_ask(struct chek__run *run, struct receipt_list *list, const struct receipts_wish *wish)
{
    struct chek_target target = {.registration = list->whose->registration};
    struct chek_ask_receipts question = {.target = &target,
                                         .from = wish->from,
                                         .to = wish->to,
                                         .shift_from = wish->shifts.first,
                                         .shift_to = wish->shifts.last,
                                         .after = (uint32_t)wish->after,
                                         .count_max = (uint32_t)wish->limit};
    bool csv = strcmp(wish->format, "csv") == 0;
    if (chek__table_open(&list->table, receipt_titles, CHEK_COUNT(receipt_titles), csv) !=
        CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    int stop = chek__ask(run, CHEK_OPCODE_ASK_RECEIPTS, ask_receipts_encode, &question,
                         on_stored_list, list);
    if (stop == CHEK_OK && !list->json) {
        chek__table_close(&list->table);
    }
    return stop;
}

static int
receipts(struct chek__run *run, int count, char **words)
{
    static struct receipt_list list;
    struct receipts_wish wish = {.format = "table", .after = UINT64_MAX};
    struct chek_registered whose;
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&wish.register_name},
        {"format", CHEK__OPTION_TEXT, (void *)&wish.format},
        {"shift", CHEK__OPTION_RANGE, &wish.shifts},
        {"from", CHEK__OPTION_FROM, &wish.from},
        {"to", CHEK__OPTION_TO, &wish.to},
        {"limit", CHEK__OPTION_NUMBER, &wish.limit},
        {"after", CHEK__OPTION_NUMBER, &wish.after},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    bool jsonl = strcmp(wish.format, "jsonl") == 0;
    if (wish.register_name == NULL) {
        return chek__usage(run, "which register? --kkm K");
    }
    if (!jsonl && strcmp(wish.format, "csv") != 0 && strcmp(wish.format, "table") != 0) {
        return chek__usage(run, "--format is table, csv or jsonl");
    }
    wish.after += 1; /* the ordinal + 1; absent is the largest number */
    if (wish.limit > UINT32_MAX || wish.after > UINT32_MAX) {
        return chek__usage(run, "--limit, --after: no register has so many");
    }
    stop = chek__register_find(run, wish.register_name, &whose);
    if (stop != CHEK_OK) {
        return stop;
    }
    list.run = run;
    list.whose = &whose;
    list.currency = chek__register_currency(whose.profile);
    list.json = jsonl || (run->json && strcmp(wish.format, "table") == 0);
    return receipts_ask(run, &list, &wish);
}

const struct chek__command chek__command_receipts = {
    "receipts", "the documents of a register",
    "  chek receipts --kkm K [--shift N | --shift A..B] [--from DAY] [--to DAY]\n"
    "                [--limit N] [--after ORDINAL] [--format table|csv|jsonl]\n\n"
    "Examples\n"
    "  chek receipts --kkm 0001581560009059 --shift 4\n"
    "  chek receipts --kkm fn:9280440300671993 --from 2021-06-01 --to 2021-06-30 --format csv\n",
    receipts};

/* ---- one -------------------------------------------------------------------------------------- */

struct receipt_run {
    struct chek__run *run;
    struct chek_bytes_view body; /* kept: whose it is, is asked behind it */
    struct chek_registered whose;
    bool whose_known;
    bool with_persons;
    struct chek__known known;
};

static int
on_stored(void *context, struct chek_bytes_view body)
{
    struct receipt_run *receipt = context;
    receipt->body = chek__keep(receipt->run, body);
    return receipt->body.size == body.size ? CHEK_OK : -ENOMEM;
}

static int
on_whose(void *context, struct chek_bytes_view body)
{
    struct receipt_run *receipt = context;
    struct chek_registers answer;
    struct chek_fault fault;
    int error =
        chek_registers_decode_whole(body.bytes, body.size, &receipt->run->kept, &answer, &fault);
    if (error == CHEK_OK && answer.registers_count != 0) {
        struct chek_bytes_view copy = chek__keep(receipt->run, body);
        error = chek_registers_decode_whole(copy.bytes, copy.size, &receipt->run->kept, &answer,
                                            &fault);
        receipt->whose_known = error == CHEK_OK;
        receipt->whose = error == CHEK_OK ? answer.registers[0] : receipt->whose;
    }
    return error;
}

static int
persons_ask(struct receipt_run *receipt, const struct chek_stored *stored)
{
    static const uint8_t nobody[16];
    const uint8_t *subjects[CHEK__KNOWN_COUNT_MAX];
    struct chek__known *known = &receipt->known;
    int stop = CHEK_OK;
    uint32_t count = 0;
    if (stored->receipt == NULL) {
        return CHEK_OK;
    }
    subjects[count++] = stored->receipt->subject;
    for (uint32_t i = 0; i < stored->receipt->persons_count; i++) {
        subjects[count++] = stored->receipt->persons[i].subject;
    }
    for (uint32_t i = 0; i < count && stop == CHEK_OK; i++) {
        if (memcmp(subjects[i], nobody, sizeof nobody) != 0) {
            stop = chek__person_of_document(receipt->run, stored, subjects[i],
                                            &known->persons[known->count++]);
        }
    }
    return stop;
}

static int
receipt_show(struct receipt_run *receipt)
{
    struct chek__run *run = receipt->run;
    struct chek_stored stored;
    struct chek_fault fault;
    int error = chek_stored_decode_whole(receipt->body.bytes, receipt->body.size, &run->kept,
                                         &stored, &fault);
    if (error != CHEK_OK) {
        return chek__error(run, error, NULL, NULL);
    }
    struct chek_ask_registers question = {.registration = stored.registration};
    int stop = chek__ask(run, CHEK_OPCODE_ASK_REGISTERS, ask_registers_encode, &question, on_whose,
                         receipt);
    if (stop != CHEK_OK) {
        return stop;
    }
    if (receipt->with_persons) {
        stop = persons_ask(receipt, &stored);
        if (stop != CHEK_OK) {
            return stop;
        }
    }
    const struct chek_registered *whose = receipt->whose_known ? &receipt->whose : NULL;
    const struct chek__known *known = receipt->with_persons ? &receipt->known : NULL;
    if (run->json) {
        stored_json(run, whose, &stored, known);
    } else {
        chek__stored_print(whose, &stored, known);
    }
    return CHEK_OK;
}

/* What the options of `receipt` say. */
struct receipt_wish {
    const char *qr, *fiscal_drive, *register_name;
    uint64_t document, sign, ordinal;
    int64_t day;
};

#define ORDINAL_NONE UINT64_MAX

/* One of the four ways to name a receipt. */
static bool
wish_is_whole(const struct receipt_wish *wish)
{
    bool by_register = wish->register_name != NULL &&
                       (wish->sign != 0 || wish->document != 0 || wish->ordinal != ORDINAL_NONE);
    bool by_drive = wish->fiscal_drive != NULL && wish->document != 0;
    return (wish->qr != NULL) + by_register + by_drive == 1 && wish->document <= UINT32_MAX &&
           (wish->ordinal == ORDINAL_NONE || wish->ordinal < UINT32_MAX);
}

static int
receipt_ask(struct receipt_run *receipt, const struct receipt_wish *wish)
{
    struct chek_target target = {0};
    struct chek_ask_receipt question = {.sign = wish->sign,
                                        .document = (uint32_t)wish->document,
                                        .day = wish->day,
                                        .ordinal = (uint32_t)(wish->ordinal + 1)};
    if (wish->qr != NULL) {
        question.qr = chek_bytes_view_text(wish->qr);
    }
    if (wish->fiscal_drive != NULL) {
        question.fiscal_drive = chek_bytes_view_text(wish->fiscal_drive);
    }
    if (wish->register_name != NULL) {
        int stop = chek__register_find(receipt->run, wish->register_name, &receipt->whose);
        if (stop != CHEK_OK) {
            return stop;
        }
        target.registration = receipt->whose.registration;
        question.target = &target;
    }
    return chek__ask(receipt->run, CHEK_OPCODE_ASK_RECEIPT, ask_receipt_encode, &question,
                     on_stored, receipt);
}

static int
receipt(struct chek__run *run, int count, char **words)
{
    struct receipt_wish wish = {.ordinal = ORDINAL_NONE};
    struct receipt_run found = {.run = run};
    const struct chek__option options[] = {
        {"qr", CHEK__OPTION_TEXT, (void *)&wish.qr},
        {"fn", CHEK__OPTION_TEXT, (void *)&wish.fiscal_drive},
        {"fd", CHEK__OPTION_NUMBER, &wish.document},
        {"fp", CHEK__OPTION_NUMBER, &wish.sign},
        {"kkm", CHEK__OPTION_TEXT, (void *)&wish.register_name},
        {"sign", CHEK__OPTION_NUMBER, &wish.sign},
        {"document", CHEK__OPTION_NUMBER, &wish.document},
        {"ordinal", CHEK__OPTION_NUMBER, &wish.ordinal},
        {"date", CHEK__OPTION_FROM, &wish.day},
        {"persons", CHEK__OPTION_FLAG, &found.with_persons},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (!wish_is_whole(&wish)) {
        return chek__usage(run, "--qr STRING; or --fn --fd [--fp]; or --kkm and one of --sign "
                                "[--date], --document, --ordinal");
    }
    stop = receipt_ask(&found, &wish);
    return stop == CHEK_OK ? receipt_show(&found) : stop;
}

const struct chek__command chek__command_receipt = {
    "receipt", "one document, by its QR code, its numbers or its sign",
    "  chek receipt --qr STRING\n"
    "  chek receipt --fn FN --fd FD [--fp FP]\n"
    "  chek receipt --kkm K --sign SIGN [--date DAY] | --document N | --ordinal N\n\n"
    "  Without a date the register's history is searched, newest first.\n"
    "  --persons  who bought, in clear: the token needs the right `persons` too\n\n"
    "Examples\n"
    "  chek receipt --qr 't=20210615T1029&s=17545.18&fn=9280440300671993&i=540&fp=2318389997&n=1'\n"
    "  chek receipt --fn 9280440300671993 --fd 540 --fp 2318389997 --json\n",
    receipt};
