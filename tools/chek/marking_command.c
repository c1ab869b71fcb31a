/* SPDX-License-Identifier: MIT */
/*
 * marking_command.c - chek marking: the receipts that a marked good is in.
 *
 * A code is typed as it is printed, as a receipt keeps it, or as the digits of tag 1162; documents
 * have it as importing or their source wrote it. So it is asked for as it is and as its canonical
 * text.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ingest/marking.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"
#include "tools/chek/warning_text.h"

#define CODE_COUNT_MAX 3

CHEK__ENCODER(ask_marked)

/* A receipt is shown when the one before it is known: whether that was a sale, too. */
struct marked_show {
    struct chek__run *run;
    uint64_t limit;               /* of receipts that are shown; 0: none */
    uint64_t count;               /* shown */
    struct chek_bytes_view newer; /* encoded, that waits to be shown; empty: none */
    struct chek__table table;
};

static const char *const titles[] = {"register", "<called", "ordinal", "<time", "shift",
                                     "document", "<kind",   "total",   "sign",  "<notes"};

static void
marked_row(struct marked_show *show, const struct chek_marked *marked, bool again)
{
    const struct chek_stored *stored = marked->stored;
    const struct chek_receipt *receipt = stored->receipt;
    char names[CHEK__WARNING_NAMES_MAX];
    char text[CHEK__WARNING_NAMES_MAX + 16];
    (void)snprintf(text, sizeof text, "%s%s", again ? "sold_again " : "",
                   chek__warning_names((uint32_t)stored->warnings, names));
    chek__cell_number(&show->table, stored->registration);
    chek__cell(&show->table, marked->key);
    chek__cell_number(&show->table, stored->ordinal);
    chek__cell_time(&show->table, receipt->time);
    chek__cell_number(&show->table, stored->shift);
    chek__cell_number(&show->table, receipt->document);
    chek__cell_text(&show->table, chek__operation_name(receipt->operation));
    chek__cell_money(&show->table, receipt->total, 0);
    chek__cell_number(&show->table, receipt->sign != 0 ? receipt->sign : receipt->autonomous);
    chek__cell_text(&show->table, text);
}

/* Show the receipt that waits; `older` is the one before it, NULL: there is none. */
static int
newer_show(struct marked_show *show, const struct chek_marked *older)
{
    struct chek_marked marked;
    if (show->newer.size == 0 || (show->limit != 0 && show->count == show->limit)) {
        return CHEK_OK;
    }
    struct chek_fault fault;
    int error = chek_marked_decode_whole(show->newer.bytes, show->newer.size, &show->run->kept,
                                         &marked, &fault);
    if (error != CHEK_OK) {
        return error;
    }
    bool again = older != NULL && older->stored->receipt->operation == CHEK_OPERATION_SELL &&
                 marked.stored->receipt->operation == CHEK_OPERATION_SELL;
    show->count += 1;
    if (show->run->json) {
        chek__json_open(show->run);
        chek__json_fields(show->run, CHEK_RECORD_MARKED, &marked);
        chek__json_flag(show->run, "sold_again", again);
        chek__json_close(show->run);
        chek__json_end(show->run);
    } else {
        marked_row(show, &marked, again);
    }
    return CHEK_OK;
}

/* Keep a receipt until the one before it is known. */
static int
newer_keep(struct marked_show *show, const struct chek_marked *marked)
{
    static uint8_t bytes[2 * CHEK_DOCUMENT_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_marked_encode(&out, marked);
    show->newer = chek_bytes_view_of(bytes, out.size);
    return out.full ? CHEK_E_LIMIT : CHEK_OK;
}

static int
on_marked(void *context, struct chek_bytes_view body)
{
    struct marked_show *show = context;
    struct chek_marked_list answer;
    int error = CHEK__DECODE(show->run, marked_list, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.receipts_count; i++) {
        const struct chek_marked *marked = &answer.receipts[i];
        if (marked->stored->receipt == NULL) {
            return CHEK_E_FIELD_MISSING;
        }
        size_t mark = chek_arena_mark(&show->run->kept);
        error = newer_show(show, marked);
        chek_arena_rewind(&show->run->kept, mark);
        if (error == CHEK_OK) {
            error = newer_keep(show, marked);
        }
    }
    return error;
}

/* ---- goods that were sold again --------------------------------------------------------------- */

static int
on_again(void *context, struct chek_bytes_view body)
{
    struct marked_show *show = context;
    struct chek_marked_list answer;
    int error = CHEK__DECODE(show->run, marked_list, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.receipts_count; i++) {
        const struct chek_marked *marked = &answer.receipts[i];
        const struct chek_receipt *receipt = marked->stored->receipt;
        if (receipt == NULL) {
            return CHEK_E_FIELD_MISSING;
        }
        if (show->run->json) {
            chek__json_record(show->run, NULL, CHEK_RECORD_MARKED, marked);
            chek__json_end(show->run);
            continue;
        }
        chek__cell_number(&show->table, marked->stored->registration);
        chek__cell(&show->table, marked->key);
        chek__cell_number(&show->table, marked->stored->ordinal);
        chek__cell_time(&show->table, receipt->time);
        chek__cell_number(&show->table, receipt->document);
        chek__cell_money(&show->table, receipt->total, 0);
        chek__cell(&show->table, marked->code);
        chek__cell_number(&show->table, marked->before_registration);
        chek__cell_number(&show->table, marked->before_ordinal);
    }
    return error;
}

static int
again_ask(struct chek__run *run, const struct chek_ask_marked *question)
{
    static const char *const again_titles[] = {"register", "<called",          "ordinal",
                                               "<time",    "document",         "total",
                                               "<code",    "before: register", "ordinal"};
    static struct marked_show show;
    show.run = run;
    if (chek__table_open(&show.table, again_titles, CHEK_COUNT(again_titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    int stop =
        chek__ask(run, CHEK_OPCODE_ASK_SOLD_AGAIN, ask_marked_encode, question, on_again, &show);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&show.table);
    }
    return stop;
}

/* ---- the codes that are asked for ------------------------------------------------------------- */

/* Add a text that is not among them. */
static void
code_add(struct chek_bytes_view *codes, uint32_t *count, struct chek_bytes_view code)
{
    bool known = code.size == 0 || code.size > CHEK_MARKING_SIZE_MAX;
    for (uint32_t i = 0; i < *count; i++) {
        known = known || chek_bytes_view_equal(codes[i], code);
    }
    if (!known) {
        codes[(*count)++] = code;
    }
}

static void
codes_make(const char *typed, struct chek_marking printed[2], struct chek_bytes_view *codes,
           uint32_t *count)
{
    struct chek_bytes_view code = chek_bytes_view_text(typed);
    code_add(codes, count, code);
    chek_marking_read(code, &printed[0]);
    code_add(codes, count, chek_bytes_view_of(printed[0].text, printed[0].text_size));
    if (chek_marking_read_hex(code, &printed[1]) == CHEK_OK &&
        printed[1].kind != CHEK_MARKING_KIND_UNKNOWN) {
        code_add(codes, count, chek_bytes_view_of(printed[1].text, printed[1].text_size));
    }
}

static int
marked_ask(struct chek__run *run, const char *code, struct chek_ask_marked *question)
{
    static struct marked_show show;
    struct chek_bytes_view codes[CODE_COUNT_MAX];
    struct chek_marking printed[2];
    show.run = run;
    show.limit = question->count_max;
    question->codes = codes;
    question->count_max += question->count_max != 0; /* the last one's predecessor */
    codes_make(code, printed, codes, &question->codes_count);
    if (question->codes_count == 0) {
        return chek__usage(run, "no document has a code of so many bytes");
    }
    if (chek__table_open(&show.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    int stop =
        chek__ask(run, CHEK_OPCODE_ASK_MARKED, ask_marked_encode, question, on_marked, &show);
    if (stop == CHEK_OK) {
        int error = newer_show(&show, NULL);
        stop = error != CHEK_OK ? chek__error(run, error, NULL, NULL) : CHEK_OK;
    }
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&show.table);
    }
    return stop;
}

static int
marking(struct chek__run *run, int count, char **words)
{
    static struct chek__list others;
    const char *name = NULL;
    uint64_t limit = 0;
    bool again = false;
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&name},
        {"limit", CHEK__OPTION_NUMBER, &limit},
        {"sold-again", CHEK__OPTION_FLAG, &again},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &others);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (others.count + again != 1 || (!again && others.values[0][0] == 0)) {
        return chek__usage(run, "which code? chek marking CODE, or --sold-again for all");
    }
    if (limit >= UINT32_MAX) {
        return chek__usage(run, "--limit: no good was sold so often");
    }
    struct chek_registered whose;
    struct chek_target target = {0};
    struct chek_ask_marked question = {.count_max = (uint32_t)limit};
    if (name != NULL) {
        stop = chek__register_find(run, name, &whose);
        if (stop != CHEK_OK) {
            return stop;
        }
        target.registration = (uint32_t)whose.registration;
        question.target = &target;
    }
    return again ? again_ask(run, &question) : marked_ask(run, others.values[0], &question);
}

const struct chek__command chek__command_marking = {
    "marking", "the receipts that a marked good is in",
    "  chek marking CODE [--kkm K] [--limit N]\n"
    "  chek marking --sold-again [--kkm K] [--limit N]\n\n"
    "  CODE as it is printed (with its check part or without), as receipts keep it, or the\n"
    "  hexadecimal digits of tag 1162. Newest first, of all registers that are seen. A sale whose\n"
    "  good was sold before and, as far as is seen, did not come back is noted as sold_again.\n\n"
    "  --sold-again: all such sales, with the sale before each. Goods are compared within an\n"
    "  organisation and those that share its partition; a code of more than 128 receipts is none.\n"
    "  chek warnings --warning sold_again counts them by register.\n\n"
    "Examples\n"
    "  chek marking '010460043993125621JgXJ5.T'\n"
    "  chek marking 444D042F1F9681784A67584A2E54 --json\n",
    marking};
