/* SPDX-License-Identifier: MIT */
/*
 * fns_json.c - finds the receipts in a stream of JSON and gathers their fields.
 *
 * A stack of levels says what each open object or array is. Only known names lead from a level to
 * one that is not skipped. An object on a path of wrappers starts a receipt; when a further
 * wrapper opens inside it before anything of a receipt was seen, the inner object is the one.
 */
#include "ingest/fns_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "engine/base/memory.h"
#include "engine/fiscal/check.h"
#include "ingest/fns_raw.h"
#include "ingest/fns_signed.h"

#define LEVEL_COUNT_MAX 64
#define ARENA_SIZE ((size_t)8 * 1024 * 1024) /* of one receipt */

/* A name that leads from one level to another. */
struct step {
    const char *name; /* NULL: an element of an array */
    uint8_t from, to;
    bool is_array;
    uint8_t form;
    bool is_close;
    uint16_t tag; /* of counters, of an operation of them; the code of a report */
};

#define WRAPPER(name)                                         \
    {name, LEVEL_RECEIPT, LEVEL_RECEIPT, false, 0, false, 0}, \
    {                                                         \
        name, LEVEL_RECEIPT, LEVEL_WRAPPER, true, 0, false, 0 \
    }

#define COUNTERS(name, from, to, tag)        \
    {                                        \
        name, from, to, false, 0, false, tag \
    }

#define REPORT(name, code)                                        \
    {                                                             \
        name, LEVEL_RECEIPT, LEVEL_RECEIPT, false, 0, false, code \
    }

static const struct step steps[] = {
    {NULL, LEVEL_WRAPPER, LEVEL_RECEIPT, false, 0, false, 0},
    {NULL, LEVEL_WRAPPER, LEVEL_WRAPPER, true, 0, false, 0},
    WRAPPER("ticket"),
    WRAPPER("document"),
    WRAPPER("receipt"),
    WRAPPER("data"),
    WRAPPER("json"),
    WRAPPER("fiscalData"),
    WRAPPER("receipts"),
    WRAPPER("documents"),
    {"bso", LEVEL_RECEIPT, LEVEL_RECEIPT, false, CHEK_FORM_STRICT_FORM, false, 0},
    {"receiptCorrection", LEVEL_RECEIPT, LEVEL_RECEIPT, false, CHEK_FORM_CORRECTION, false, 0},
    {"bsoCorrection", LEVEL_RECEIPT, LEVEL_RECEIPT, false, CHEK_FORM_STRICT_FORM_CORRECTION, false,
     0},
    {"closeShift", LEVEL_RECEIPT, LEVEL_RECEIPT, false, 0, true, 0},
    REPORT("fiscalReport", CHEK_FFD_REGISTRATION),
    REPORT("fiscalReportCorrection", CHEK_FFD_REREGISTRATION),
    REPORT("openShift", CHEK_FFD_SHIFT_OPEN),
    REPORT("currentStateReport", CHEK_FFD_STATE_OF_SETTLEMENTS),
    REPORT("closeArchive", CHEK_FFD_DRIVE_CLOSE),
    {"items", LEVEL_RECEIPT, LEVEL_ITEMS, true, 0, false, 0},
    {"stornoItems", LEVEL_RECEIPT, LEVEL_STORNO_ITEMS, true, 0, false, 0},
    {"items", LEVEL_RECEIPT, LEVEL_ITEM, false, 0, false, 0},
    {"stornoItems", LEVEL_RECEIPT, LEVEL_ITEM, false, 0, false, 0},
    {NULL, LEVEL_ITEMS, LEVEL_ITEM, false, 0, false, 0},
    {NULL, LEVEL_STORNO_ITEMS, LEVEL_ITEM, false, 0, false, 0},
    {"buyerInformation", LEVEL_RECEIPT, LEVEL_BUYER, false, 0, false, 0},
    {"amountsReceiptNds", LEVEL_RECEIPT, LEVEL_AMOUNTS, false, 0, false, 0},
    {"amountsNds", LEVEL_AMOUNTS, LEVEL_AMOUNT_LIST, true, 0, false, 0},
    {"amountsNds", LEVEL_AMOUNTS, LEVEL_AMOUNT, false, 0, false, 0},
    {NULL, LEVEL_AMOUNT_LIST, LEVEL_AMOUNT, false, 0, false, 0},
    {"productCodeNew", LEVEL_ITEM, LEVEL_CODES, false, 0, false, 0},
    {"productCodeNew", LEVEL_ITEM, LEVEL_CODE_LIST, true, 0, false, 0},
    {NULL, LEVEL_CODE_LIST, LEVEL_CODES, false, 0, false, 0},
    {"productCodeData", LEVEL_ITEM, LEVEL_MARKING, false, 0, false, 0},
    {"undefined", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"gs1m", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"kmk", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"mi", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"egais2", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"egais3", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"f1", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"f2", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"f3", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"f4", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"f5", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    {"f6", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0},
    COUNTERS("shiftSumReports", LEVEL_RECEIPT, LEVEL_COUNTERS, 1194),
    COUNTERS("fiscalDriveSumReports", LEVEL_RECEIPT, LEVEL_COUNTERS, 1157),
    COUNTERS("receiptCorrection", LEVEL_COUNTERS, LEVEL_CORRECTIONS, 0),
    COUNTERS("sellOper", LEVEL_COUNTERS, LEVEL_COUNTED, 1129),
    COUNTERS("sellReturnOper", LEVEL_COUNTERS, LEVEL_COUNTED, 1130),
    COUNTERS("buyOper", LEVEL_COUNTERS, LEVEL_COUNTED, 1131),
    COUNTERS("buyReturnOper", LEVEL_COUNTERS, LEVEL_COUNTED, 1132),
    COUNTERS("sellCorrection", LEVEL_CORRECTIONS, LEVEL_COUNTED, 1145),
    COUNTERS("buyCorrection", LEVEL_CORRECTIONS, LEVEL_COUNTED, 1146),
    COUNTERS("sellReturnCorrection", LEVEL_CORRECTIONS, LEVEL_COUNTED, 1232),
    COUNTERS("buyReturnCorrection", LEVEL_CORRECTIONS, LEVEL_COUNTED, 1233),
    {"ean8", LEVEL_CODES, LEVEL_BARCODE, false, 0, false, 0},
    {"ean13", LEVEL_CODES, LEVEL_BARCODE, false, 0, false, 0},
    {"itf14", LEVEL_CODES, LEVEL_BARCODE, false, 0, false, 0},
    {"gs1", LEVEL_CODES, LEVEL_MARKING, false, 0, false, 0}, /* some put marked goods here */
};

struct level {
    uint8_t kind;
    bool is_array;
};

struct chek_fns_json {
    struct chek_fns_json_sink sink;
    yajl_handle parser;
    struct chek_arena arena;
    struct chek_ffd_maker *maker; /* of documents in `rawData`; NULL before the first */
    struct level levels[LEVEL_COUNT_MAX];
    uint32_t level_count;
    uint32_t receipt_level; /* the level whose fields are gathered; 0: none */
    char name[32];          /* the pending name of a member; longer ones are none of ours */
    uint8_t name_size;
    struct ingest__fns_names names;
    uint64_t read_size; /* before the bytes that are being read */
    bool begun;         /* behind the byte order mark, if there is one */
    uint64_t count;
    int stop; /* why reading ended */
    struct ingest__fns_raw raw;
};

/* ---- places ----------------------------------------------------------------------------------- */

static uint64_t
offset_now(const struct chek_fns_json *reader)
{
    return reader->read_size + yajl_get_bytes_consumed(reader->parser);
}

static struct level
top(const struct chek_fns_json *reader)
{
    static const struct level outermost = {LEVEL_WRAPPER, true};
    return reader->level_count > 0 ? reader->levels[reader->level_count - 1] : outermost;
}

static bool
is_gathered(const struct chek_fns_json *reader)
{
    return reader->receipt_level != 0;
}

/* Refuse at a place; 1 to go on, 0 to stop: what a callback of the parser returns. */
static int
refuse(struct chek_fns_json *reader, uint64_t offset, const struct chek_fault *fault,
       const char *text)
{
    int error = reader->sink.on_refusal(reader->sink.context, offset, fault, text);
    if (error != CHEK_OK) {
        reader->stop = error;
    }
    return error == CHEK_OK;
}

/* ---- objects and arrays ----------------------------------------------------------------------- */

/* Whether anything of a receipt was seen in the object that is gathered. */
static bool
is_receipt(const struct ingest__fns_raw *raw)
{
    return raw->fields[FNS_DRIVE].type != FNS_ABSENT || raw->fields[FNS_TOTAL].type != FNS_ABSENT ||
           raw->fields[FNS_DOCUMENT].type != FNS_ABSENT || raw->line_count != 0;
}

static void
receipt_begin(struct chek_fns_json *reader, const struct step *step)
{
    chek_arena_reset(&reader->arena);
    ingest__fns_begin(&reader->raw);
    reader->raw.offset = offset_now(reader) - 1;
    reader->raw.form = step->form;
    reader->raw.is_close = step->is_close;
    reader->raw.report = (uint8_t)step->tag;
    reader->receipt_level = reader->level_count + 1;
}

/* What an object or array that opens now is. */
static const struct step *
step_find(const struct chek_fns_json *reader, bool is_array)
{
    struct level from = top(reader);
    for (size_t i = 0; i < CHEK_COUNT(steps); i++) {
        const struct step *step = &steps[i];
        if (step->from != from.kind || step->is_array != is_array) {
            continue;
        }
        if (from.is_array ? step->name == NULL
                          : step->name != NULL && strcmp(step->name, reader->name) == 0) {
            return step;
        }
    }
    return NULL;
}

static int
open_level(struct chek_fns_json *reader, bool is_array)
{
    const struct step *step = step_find(reader, is_array);
    uint8_t from = top(reader).kind;
    uint8_t kind = step != NULL ? step->to : LEVEL_SKIP;
    bool inside = reader->receipt_level == reader->level_count && is_gathered(reader);

    if (reader->level_count == LEVEL_COUNT_MAX) {
        struct chek_fault fault = {.code = CHEK_E_LIMIT};
        reader->stop = CHEK_E_MAGIC;
        (void)refuse(reader, offset_now(reader), &fault, "nested too deep");
        return 0;
    }
    if (kind == LEVEL_RECEIPT || kind == LEVEL_WRAPPER) {
        /* A receipt's own members of such a name are not receipts. */
        if (from == LEVEL_RECEIPT && inside && is_receipt(&reader->raw)) {
            kind = LEVEL_SKIP;
        } else if (kind == LEVEL_RECEIPT) {
            receipt_begin(reader, step);
        }
    } else if (kind != LEVEL_SKIP && !is_gathered(reader)) {
        kind = LEVEL_SKIP;
    }
    if (kind == LEVEL_ITEM) {
        bool alone = from == LEVEL_RECEIPT && strcmp(reader->name, "stornoItems") == 0;
        ingest__fns_line_begin(&reader->raw, &reader->arena, from == LEVEL_STORNO_ITEMS || alone);
    } else if (kind == LEVEL_AMOUNT) {
        reader->raw.amount_count += reader->raw.amount_count <= FNS_AMOUNT_COUNT_MAX;
    } else if (kind >= LEVEL_COUNTERS) {
        ingest__fns_counters_open(&reader->raw, &reader->arena, kind, step->tag);
    }
    reader->levels[reader->level_count++] = (struct level){kind, is_array};
    return 1;
}

/* A report is told when it says enough of itself for its number to be kept; else it is passed over,
 * for there is nothing else to it. */
static int
report_end(struct chek_fns_json *reader)
{
    struct chek_document document;
    struct chek_fault fault;
    const struct chek_fns_json_sink *sink = &reader->sink;
    if (ingest__fns_report(&reader->raw, &reader->arena, &document, &fault) == CHEK_OK) {
        reader->count += 1;
        reader->stop = sink->on_document(sink->context, reader->raw.offset, &document, 0);
    }
    return reader->stop == CHEK_OK;
}

static int
receipt_end(struct chek_fns_json *reader)
{
    struct chek_document document;
    struct chek_fault fault = {0};
    uint32_t warnings = 0;

    reader->receipt_level = 0;
    if (!is_receipt(&reader->raw)) {
        return 1;
    }
    if (ingest__fns_is_report(&reader->raw)) {
        return report_end(reader);
    }
    reader->count += 1;
    int error = ingest__fns_document(&reader->raw, &reader->arena, &document, &fault);
    if (error == CHEK_OK) {
        error = chek_document_check(&document, &warnings, &fault);
    }
    if (error != CHEK_OK) {
        return refuse(reader, reader->raw.offset, &fault, chek_error_text(error));
    }
    struct ingest__fns_signed what = {0};
    if (reader->raw.signed_bytes.size != 0) {
        error = ingest__fns_signed_compare(&reader->maker, reader->raw.signed_bytes, &reader->arena,
                                           &document, &what);
    }
    const struct chek_fns_json_sink *sink = &reader->sink;
    if (error == CHEK_OK) {
        error = sink->on_document(sink->context, reader->raw.offset, &document, warnings);
    }
    if (error == CHEK_OK && what.fault.code != CHEK_OK && sink->on_difference != NULL) {
        error = sink->on_difference(sink->context, reader->raw.offset, &what.fault, what.why);
    }
    reader->stop = error;
    return error == CHEK_OK;
}

static int
close_level(struct chek_fns_json *reader)
{
    bool ends = is_gathered(reader) && reader->receipt_level == reader->level_count;
    reader->level_count -= 1;
    reader->name[0] = 0;
    reader->name_size = 0;
    return ends ? receipt_end(reader) : 1;
}

/* ---- the parser's callbacks ------------------------------------------------------------------- */

static int
scalar(struct chek_fns_json *reader, struct chek_bytes_view text, enum ingest__fns_type type)
{
    struct level level = top(reader);
    bool other = level.kind == LEVEL_RECEIPT && reader->level_count != reader->receipt_level;
    if (!is_gathered(reader) || level.is_array || other) {
        return 1;
    }
    if (level.kind == LEVEL_CORRECTIONS || level.kind == LEVEL_COUNTED) {
        struct ingest__fns_value value =
            ingest__fns_value_keep(&reader->raw, &reader->arena, text, type);
        ingest__fns_counter_put(&reader->raw, &reader->arena, level.kind, reader->name, value);
    } else {
        struct ingest__fns_slot slot = ingest__fns_slot_find(
            &reader->names, level.kind, chek_bytes_view_of(reader->name, reader->name_size));
        ingest__fns_value_put(&reader->raw, &reader->arena, slot, text, type);
    }
    return 1;
}

static int
on_null(void *context)
{
    (void)context;
    return 1;
}

static int
on_boolean(void *context, int value)
{
    return scalar(context, chek_bytes_view_of(value ? "1" : "0", 1), value ? FNS_TRUE : FNS_FALSE);
}

static int
on_number(void *context, const char *text, size_t size)
{
    return scalar(context, chek_bytes_view_of(text, size), FNS_NUMBER);
}

static int
on_string(void *context, const unsigned char *text, size_t size)
{
    return scalar(context, chek_bytes_view_of(text, size), FNS_STRING);
}

static int
on_name(void *context, const unsigned char *text, size_t size)
{
    struct chek_fns_json *reader = context;
    bool fits = size < sizeof reader->name;
    reader->name_size = fits ? (uint8_t)size : 0;
    memcpy(reader->name, text, reader->name_size);
    reader->name[reader->name_size] = 0;
    return 1;
}

static int
on_map_open(void *context)
{
    return open_level(context, false);
}

static int
on_array_open(void *context)
{
    return open_level(context, true);
}

static int
on_close(void *context)
{
    return close_level(context);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map_open,
    .yajl_map_key = on_name,
    .yajl_end_map = on_close,
    .yajl_start_array = on_array_open,
    .yajl_end_array = on_close,
};

/* ---- the reader ------------------------------------------------------------------------------- */

int
chek_fns_json_create(const struct chek_fns_json_sink *sink, struct chek_fns_json **ret)
{
    struct chek_fns_json *reader = chek_memory_allocate(sizeof *reader);
    if (reader == NULL) {
        return -ENOMEM;
    }
    reader->sink = *sink;
    ingest__fns_names_make(&reader->names);
    reader->parser = yajl_alloc(&callbacks, NULL, reader);
    if (reader->parser == NULL || chek_arena_init(&reader->arena, ARENA_SIZE) != CHEK_OK) {
        chek_fns_json_destroy(reader);
        return -ENOMEM;
    }
    (void)yajl_config(reader->parser, yajl_allow_multiple_values, 1);
    *ret = reader;
    return CHEK_OK;
}

void
chek_fns_json_destroy(struct chek_fns_json *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->parser != NULL) {
        yajl_free(reader->parser);
    }
    chek_ffd_maker_destroy(reader->maker);
    chek_arena_finish(&reader->arena);
    chek_memory_free(reader, sizeof *reader);
}

/* What the parser said of the last bytes. */
static int
parsed(struct chek_fns_json *reader, yajl_status status, uint64_t offset)
{
    if (reader->stop != CHEK_OK) {
        return reader->stop;
    }
    if (status == yajl_status_ok) {
        return CHEK_OK;
    }
    struct chek_fault fault = {.code = CHEK_E_MAGIC};
    reader->stop = CHEK_E_MAGIC;
    (void)refuse(reader, offset, &fault, "this is not JSON");
    return reader->stop;
}

int
chek_fns_json_read(struct chek_fns_json *reader, const void *bytes, size_t size)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf}; /* of UTF-8: some programs write it */
    if (reader->stop != CHEK_OK) {
        return reader->stop;
    }
    const uint8_t *at = bytes;
    while (!reader->begun && size > 0) {
        reader->begun = *at != mark[reader->read_size] || reader->read_size + 1 == sizeof mark;
        if (*at == mark[reader->read_size]) {
            at += 1;
            size -= 1;
            reader->read_size += 1;
        }
    }
    yajl_status status = yajl_parse(reader->parser, at, size);
    int error = parsed(reader, status, offset_now(reader));
    reader->read_size += size;
    return error;
}

int
chek_fns_json_end(struct chek_fns_json *reader)
{
    if (reader->stop != CHEK_OK) {
        return reader->stop;
    }
    yajl_status status = yajl_complete_parse(reader->parser);
    return parsed(reader, status, reader->read_size);
}

uint64_t
chek_fns_json_count(const struct chek_fns_json *reader)
{
    return reader->count;
}
