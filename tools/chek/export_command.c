/* SPDX-License-Identifier: MIT */
/*
 * export_command.c - chek export: every document of registers, to be imported again.
 *
 * Documents come in the order of their arrival, because reports depend on it: what came after the
 * close of its shift has to come after it again. A fuller copy stands under a later ordinal than the
 * copy that it completes; it is written in the place of that one, which the list leaves out. Closes
 * that the engine made itself are made again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/export_write.h"
#include "tools/chek/receipt_print.h"

#define PAGE_COUNT 1024
#define PAGE_SIZE_MAX ((size_t)64 * 1024 * 1024)

CHEK__ENCODER(ask_receipts)
CHEK__ENCODER(ask_receipt)
CHEK__ENCODER(ask_registers)

struct export
{
    struct chek__run *run;
    bool csv;
    const struct chek_registered *whose;
    struct chek_registered *registers;
    uint32_t register_count;
    struct chek_arena page; /* bodies of a page and what they decode to */
    struct chek_bytes_view *bodies;
    uint32_t body_count;
    uint32_t next;    /* ordinal that is next in the list */
    uint32_t *copies; /* ordinals of fuller copies that were written already */
    uint32_t copy_count, copy_capacity;
};

/* ---- registers -------------------------------------------------------------------------------- */

static int
on_registers(void *context, struct chek_bytes_view body)
{
    struct export *export = context;
    struct chek_bytes_view copy = chek__keep(export->run, body);
    struct chek_registers answer;
    struct chek_fault fault;
    if (copy.size != body.size) {
        return -ENOMEM;
    }
    int error =
        chek_registers_decode_whole(copy.bytes, copy.size, &export->run->kept, &answer, &fault);
    if (error != CHEK_OK || answer.registers_count == 0) {
        return error;
    }
    uint32_t count = export->register_count + answer.registers_count;
    struct chek_registered *list = chek_arena_take(&export->run->kept, count * sizeof *list);
    if (list == NULL) {
        return -ENOMEM;
    }
    if (export->register_count != 0) {
        memcpy(list, export->registers, export->register_count * sizeof *list);
    }
    memcpy(list + export->register_count, answer.registers, answer.registers_count * sizeof *list);
    export->registers = list;
    export->register_count = count;
    return CHEK_OK;
}

/* ---- documents -------------------------------------------------------------------------------- */

/* A close of the engine's own has no number, shift or sign. */
static bool
is_made_again(const struct chek_stored *stored)
{
    const struct chek_close *close = stored->close;
    return close != NULL && close->document == 0 && close->shift == 0 && close->sign == 0;
}

static void
stored_write(struct export *export, const struct chek_stored *stored)
{
    const struct chek_document document = {
        .profile = export->whose->profile,
        .receipt = stored->receipt,
        .movement = stored->movement,
        .close = stored->close,
    };
    if (!is_made_again(stored)) {
        chek__export_write(export->run, export->csv, &document);
    }
}

static bool
is_written(const struct export *export, uint32_t ordinal)
{
    for (uint32_t i = 0; i < export->copy_count; i++) {
        if (export->copies[i] == ordinal) {
            return true;
        }
    }
    return false;
}

static int
copy_note(struct export *export, uint32_t ordinal)
{
    if (export->copy_count == export->copy_capacity) {
        uint32_t capacity = export->copy_capacity != 0 ? 2 * export->copy_capacity : 64;
        uint32_t *copies = chek_arena_take(&export->run->kept, capacity * sizeof *copies);
        if (copies == NULL) {
            return -ENOMEM;
        }
        if (export->copy_count != 0) {
            memcpy(copies, export->copies, export->copy_count * sizeof *copies);
        }
        export->copies = copies;
        export->copy_capacity = capacity;
    }
    export->copies[export->copy_count++] = ordinal;
    return CHEK_OK;
}

static int
on_copy(void *context, struct chek_bytes_view body)
{
    struct export *export = context;
    struct chek_stored stored;
    int error = CHEK__DECODE(export->run, stored, body, &stored);
    if (error != CHEK_OK || is_written(export, stored.ordinal)) {
        return error; /* a copy of a copy: it stands where the first of them came */
    }
    error = copy_note(export, stored.ordinal);
    if (error == CHEK_OK) {
        stored_write(export, &stored);
    }
    return error;
}

/* The copy that stands for a document which the list leaves out. */
static int
replaced_write(struct export *export, uint32_t ordinal)
{
    struct chek_target target = {.registration = export->whose->registration};
    struct chek_ask_receipt question = {.target = &target, .ordinal = ordinal + 1};
    return chek__ask(export->run, CHEK_OPCODE_ASK_RECEIPT, ask_receipt_encode, &question, on_copy,
                     export);
}

static int
on_page(void *context, struct chek_bytes_view body)
{
    struct export *export = context;
    uint8_t *copy = chek_arena_take(&export->page, body.size + 1);
    if (copy == NULL || export->body_count == PAGE_COUNT) {
        return -ENOMEM;
    }
    memcpy(copy, body.bytes, body.size);
    export->bodies[export->body_count++] = chek_bytes_view_of(copy, body.size);
    return CHEK_OK;
}

/* Write what a frame of a page lists, and what its ordinals leave out. */
static int
body_write(struct export *export, struct chek_bytes_view body, uint32_t *ret_next)
{
    struct chek_stored_list answer;
    struct chek_fault fault;
    int error =
        chek_stored_list_decode_whole(body.bytes, body.size, &export->page, &answer, &fault);
    if (error != CHEK_OK) {
        return chek__error(export->run, error, NULL, NULL);
    }
    chek__removed_note(&answer);
    export->next = answer.removed > export->next ? answer.removed : export->next;
    for (uint32_t i = 0; i < answer.receipts_count; i++) {
        const struct chek_stored *stored = &answer.receipts[i];
        for (; export->next < stored->ordinal; export->next++) {
            int stop = replaced_write(export, export->next);
            if (stop != CHEK_OK) {
                return stop;
            }
        }
        export->next = stored->ordinal + 1;
        if (stored->completes == 0) {
            stored_write(export, stored);
        }
    }
    *ret_next = answer.next;
    return CHEK_OK;
}

static int
register_export(struct export *export)
{
    uint32_t after = 0;
    export->next = 0;
    export->copy_count = 0;
    do {
        struct chek_target target = {.registration = export->whose->registration};
        struct chek_ask_receipts question = {
            .target = &target, .after = after, .count_max = PAGE_COUNT};
        chek_arena_reset(&export->page);
        export->body_count = 0;
        after = 0;
        int stop = chek__ask(export->run, CHEK_OPCODE_ASK_RECEIPTS, ask_receipts_encode, &question,
                             on_page, export);
        for (uint32_t i = 0; i < export->body_count && stop == CHEK_OK; i++) {
            stop = body_write(export, export->bodies[i], &after);
        }
        if (stop != CHEK_OK) {
            return stop;
        }
    } while (after != 0);
    return CHEK_OK;
}

/* ---- the command ------------------------------------------------------------------------------ */

static int
registers_export(struct export *export)
{
    if (chek_arena_init(&export->page, PAGE_SIZE_MAX) != CHEK_OK) {
        return chek__error(export->run, -ENOMEM, NULL, NULL);
    }
    export->bodies = chek_arena_take(&export->run->kept, PAGE_COUNT * sizeof *export->bodies);
    int stop = export->bodies != NULL ? CHEK_OK : chek__error(export->run, -ENOMEM, NULL, NULL);
    if (stop == CHEK_OK && export->csv) {
        chek__export_titles();
    }
    for (uint32_t i = 0; i < export->register_count && stop == CHEK_OK; i++) {
        export->whose = &export->registers[i];
        stop = export->whose->profile != NULL
                   ? register_export(export)
                   : chek__error(export->run, CHEK_E_FIELD_MISSING, "profile", NULL);
    }
    chek_arena_finish(&export->page);
    return stop;
}

static int
export_run(struct chek__run *run, int count, char **words)
{
    const char *name = NULL;
    const char *organisation = "";
    const char *format = "jsonl";
    struct export export = {.run = run};
    struct chek_registered one;
    const struct chek__option options[] = {
        {"kkm", CHEK__OPTION_TEXT, (void *)&name},
        {"org", CHEK__OPTION_TEXT, (void *)&organisation},
        {"format", CHEK__OPTION_TEXT, (void *)&format},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    export.csv = strcmp(format, "csv") == 0;
    if (!export.csv && strcmp(format, "jsonl") != 0) {
        return chek__usage(run, "--format is jsonl or csv");
    }
    if (name != NULL) {
        stop = chek__register_find(run, name, &one);
        export.registers = &one;
        export.register_count = 1;
    } else {
        struct chek_ask_registers question = {.organisation = chek_bytes_view_text(organisation)};
        stop = chek__ask(run, CHEK_OPCODE_ASK_REGISTERS, ask_registers_encode, &question,
                         on_registers, &export);
    }
    return stop == CHEK_OK ? registers_export(&export) : stop;
}

const struct chek__command chek__command_export = {
    "export", "every document of registers, to be imported again",
    "  chek export [--kkm K | --org ORG] [--format jsonl|csv]\n\n"
    "  Writes to the standard output what `chek import` reads: imported into an empty server it\n"
    "  gives the same receipts and reports. Buyers are left out: only their registers' operator\n"
    "  knows them. CSV has a row a record (document, line, payment, tax).\n\n"
    "Examples\n"
    "  chek export --kkm 0001581560009059 > register.jsonl\n"
    "  chek export --org 7825706086 --format csv > organisation.csv\n",
    export_run};
