/* SPDX-License-Identifier: MIT */
/*
 * export_read.c - the documents of an export, and its form as JSON lines.
 */
#include "ingest/export_read.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "engine/base/memory.h"
#include "engine/fiscal/check.h"
#include "ingest/export_document.h"

#define LEVEL_COUNT_MAX 16
#define NAME_SIZE_MAX 32
#define ARENA_SIZE \
    ((size_t)4 * 1024 * 1024) /* of one document: four times the largest that a frame takes */

/* An open object or array, and the name that its elements or its next member have. */
struct level {
    bool is_array;
    char name[NAME_SIZE_MAX];
};

struct chek_export_read {
    struct ingest__export_document what;
    struct ingest__export_csv *csv; /* NULL: JSON */
    yajl_handle parser;
    struct level levels[LEVEL_COUNT_MAX];
    uint32_t level_count;
    uint64_t read_size;
    int stop;
};

/* ---- a document ------------------------------------------------------------------------------- */

static void
blame(struct ingest__export_document *what, int code, uint16_t field)
{
    if (what->fault.code == CHEK_OK) {
        what->fault = (struct chek_fault){.code = code, .field = field};
    }
}

void
ingest__export_begin(struct ingest__export_document *what, uint64_t offset)
{
    chek_arena_reset(&what->arena);
    what->fault = (struct chek_fault){0};
    what->offset = offset;
    what->open = true;
    int error =
        chek_record_build_begin(&what->build, &what->arena, CHEK_RECORD_DOCUMENT, &what->document);
    if (error != CHEK_OK) {
        blame(what, error, 0);
    }
}

void
ingest__export_open(struct ingest__export_document *what, struct chek_bytes_view name)
{
    uint16_t field = 0;
    int error =
        what->fault.code == CHEK_OK ? chek_record_build_open(&what->build, name, &field) : CHEK_OK;
    if (error != CHEK_OK) {
        blame(what, error, field);
    }
}

void
ingest__export_close(struct ingest__export_document *what)
{
    if (what->fault.code == CHEK_OK) {
        chek_record_build_close(&what->build);
    }
}

void
ingest__export_set(struct ingest__export_document *what, struct chek_bytes_view name,
                   struct chek_bytes_view text)
{
    uint16_t field = 0;
    int error = what->fault.code == CHEK_OK
                    ? chek_record_build_set(&what->build, name, text, &field)
                    : CHEK_OK;
    if (error != CHEK_OK) {
        blame(what, error, field);
    }
}

void
ingest__export_return(struct ingest__export_document *what, struct chek_bytes_view shape_name)
{
    int error =
        what->fault.code == CHEK_OK ? chek_record_build_return(&what->build, shape_name) : CHEK_OK;
    if (error != CHEK_OK) {
        blame(what, error, 0);
    }
}

int
ingest__export_end(struct ingest__export_document *what)
{
    uint32_t warnings = 0;
    if (!what->open) {
        return CHEK_OK;
    }
    what->open = false;
    int error = what->fault.code;
    if (error == CHEK_OK) {
        error = chek_document_check(what->document, &warnings, &what->fault);
    }
    return error == CHEK_OK
               ? what->sink.on_document(what->sink.context, what->offset, what->document, warnings)
               : what->sink.on_refusal(what->sink.context, what->offset, &what->fault,
                                       chek_error_text(error));
}

/* ---- JSON lines ------------------------------------------------------------------------------- */

static struct level *
top(struct chek_export_read *reader)
{
    return &reader->levels[reader->level_count - 1];
}

static int
level_open(struct chek_export_read *reader, bool is_array)
{
    struct level level = {.is_array = is_array};
    if (reader->level_count == LEVEL_COUNT_MAX) {
        return 0;
    }
    if (reader->level_count > 0) {
        memcpy(level.name, top(reader)->name, is_array ? sizeof level.name : 0);
    }
    reader->levels[reader->level_count++] = level;
    return 1;
}

static int
on_map_open(void *context)
{
    struct chek_export_read *reader = context;
    if (reader->level_count == 0) {
        ingest__export_begin(&reader->what,
                             reader->read_size + yajl_get_bytes_consumed(reader->parser) - 1);
    } else {
        ingest__export_open(&reader->what, chek_bytes_view_text(top(reader)->name));
    }
    return level_open(reader, false);
}

static int
on_map_close(void *context)
{
    struct chek_export_read *reader = context;
    reader->level_count -= 1;
    if (reader->level_count != 0) {
        ingest__export_close(&reader->what);
        return 1;
    }
    reader->stop = ingest__export_end(&reader->what);
    return reader->stop == CHEK_OK;
}

static int
on_array_open(void *context)
{
    struct chek_export_read *reader = context;
    return reader->level_count == 0 ? 0 : level_open(reader, true);
}

static int
on_array_close(void *context)
{
    struct chek_export_read *reader = context;
    reader->level_count -= 1;
    return 1;
}

static int
on_name(void *context, const unsigned char *text, size_t size)
{
    struct chek_export_read *reader = context;
    char *name = top(reader)->name;
    bool fits = size < NAME_SIZE_MAX;
    memcpy(name, fits ? (const char *)text : "?", fits ? size : 1);
    name[fits ? size : 1] = 0;
    return 1;
}

static int
scalar(struct chek_export_read *reader, const void *text, size_t size)
{
    if (reader->level_count == 0) {
        return 0; /* a line is an object */
    }
    struct chek_bytes_view name = chek_bytes_view_text(top(reader)->name);
    bool is_mark = reader->level_count == 1 && strcmp(top(reader)->name, "chek") == 0;
    if (!is_mark) {
        ingest__export_set(&reader->what, name, chek_bytes_view_of(text, size));
    }
    return 1;
}

static int
on_null(void *context)
{
    const struct chek_export_read *reader = context;
    return reader->level_count != 0;
}

static int
on_boolean(void *context, int value)
{
    return scalar(context, value ? "true" : "false", value ? 4 : 5);
}

static int
on_number(void *context, const char *text, size_t size)
{
    return scalar(context, text, size);
}

static int
on_string(void *context, const unsigned char *text, size_t size)
{
    return scalar(context, text, size);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map_open,
    .yajl_map_key = on_name,
    .yajl_end_map = on_map_close,
    .yajl_start_array = on_array_open,
    .yajl_end_array = on_array_close,
};

/* ---- the reader ------------------------------------------------------------------------------- */

enum chek_export_format
chek_export_detect(const void *bytes, size_t size)
{
    static const char json[] = "{\"chek\":";
    static const char csv[] = "chek,";
    if (size >= sizeof json - 1 && memcmp(bytes, json, sizeof json - 1) == 0) {
        return CHEK_EXPORT_JSONL;
    }
    return size >= sizeof csv - 1 && memcmp(bytes, csv, sizeof csv - 1) == 0 ? CHEK_EXPORT_CSV
                                                                             : CHEK_EXPORT_NONE;
}

/* What the format needs. */
static bool
format_make(struct chek_export_read *reader, enum chek_export_format format)
{
    if (format == CHEK_EXPORT_CSV) {
        reader->csv = chek_memory_allocate(sizeof *reader->csv);
        if (reader->csv == NULL) {
            return false;
        }
        reader->csv->what = &reader->what;
        return true;
    }
    reader->parser = yajl_alloc(&callbacks, NULL, reader);
    if (reader->parser == NULL) {
        return false;
    }
    (void)yajl_config(reader->parser, yajl_allow_multiple_values, 1);
    return true;
}

int
chek_export_read_create(const struct chek_fns_json_sink *sink, enum chek_export_format format,
                        struct chek_export_read **ret)
{
    struct chek_export_read *reader = chek_memory_allocate(sizeof *reader);
    if (reader == NULL) {
        return -ENOMEM;
    }
    reader->what.sink = *sink;
    if (!format_make(reader, format) ||
        chek_arena_init(&reader->what.arena, ARENA_SIZE) != CHEK_OK) {
        chek_export_read_destroy(reader);
        return -ENOMEM;
    }
    *ret = reader;
    return CHEK_OK;
}

void
chek_export_read_destroy(struct chek_export_read *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->parser != NULL) {
        yajl_free(reader->parser);
    }
    if (reader->csv != NULL) {
        chek_memory_free(reader->csv, sizeof *reader->csv);
    }
    chek_arena_finish(&reader->what.arena);
    chek_memory_free(reader, sizeof *reader);
}

/* Bytes that are of neither format end the reading. */
static int
refuse_rest(struct chek_export_read *reader, uint64_t offset)
{
    struct chek_fault fault = {.code = CHEK_E_MAGIC};
    const struct chek_fns_json_sink *sink = &reader->what.sink;
    reader->stop = CHEK_E_MAGIC;
    int error = sink->on_refusal(sink->context, offset, &fault, "this is no export of chek");
    reader->stop = error == CHEK_OK ? CHEK_E_MAGIC : error;
    return reader->stop;
}

static int
parsed(struct chek_export_read *reader, yajl_status status, uint64_t offset)
{
    if (reader->stop != CHEK_OK) {
        return reader->stop;
    }
    return status == yajl_status_ok ? CHEK_OK : refuse_rest(reader, offset);
}

int
chek_export_read(struct chek_export_read *reader, const void *bytes, size_t size)
{
    if (reader->stop != CHEK_OK || size == 0) {
        return reader->stop;
    }
    if (reader->csv != NULL) {
        int error = ingest__export_csv_read(reader->csv, bytes, size);
        reader->stop = error;
        return error == CHEK_E_MAGIC ? refuse_rest(reader, reader->csv->row_at) : error;
    }
    yajl_status status = yajl_parse(reader->parser, bytes, size);
    int error = parsed(reader, status, reader->read_size + yajl_get_bytes_consumed(reader->parser));
    reader->read_size += size;
    return error;
}

int
chek_export_read_end(struct chek_export_read *reader)
{
    if (reader->stop != CHEK_OK) {
        return reader->stop;
    }
    if (reader->csv != NULL) {
        int error = ingest__export_csv_end(reader->csv);
        reader->stop = error;
        return error == CHEK_E_MAGIC ? refuse_rest(reader, reader->csv->row_at) : error;
    }
    return parsed(reader, yajl_complete_parse(reader->parser), reader->read_size);
}
