/* SPDX-License-Identifier: MIT */
#include "tools/chek/nomenclature_read.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "ingest/record_build.h"
#include "tools/chek/csv_row.h"
#include "tools/chek/field_text.h"

#define LINE_SIZE_MAX 16384
#define COLUMN_COUNT_MAX 32
#define NAME_SIZE_MAX 32

#define TAXES "taxes"
#define TAX_PART_COUNT 3

enum inside { INSIDE_NOTHING, INSIDE_ELEMENT, INSIDE_TAXES, INSIDE_TAX, INSIDE_NO_MORE };

struct reader {
    FILE *file;
    struct chek_arena *arena;
    struct chek_record_build build;
    struct chek__goods *goods;
    struct chek__goods_fault *fault;
    struct chek_bytes_view columns[COLUMN_COUNT_MAX]; /* of the head of CSV */
    uint32_t column_count;
    char key[NAME_SIZE_MAX]; /* of the value of JSON that comes */
    enum inside inside;      /* where in a line of JSON */
    char line[LINE_SIZE_MAX];
};

static int
blame(struct reader *reader, int code, struct chek_bytes_view field, const char *text)
{
    struct chek__goods_fault *fault = reader->fault;
    size_t size = field.size < sizeof fault->field ? field.size : sizeof fault->field - 1;
    fault->code = code;
    fault->text = text;
    if (size != 0) {
        memcpy(fault->field, field.bytes, size);
    }
    fault->field[size] = 0;
    return code;
}

/* The next line without its end. 1: there is one; 0: the file is over; below: an error. */
static int
line_next(struct reader *reader, size_t *ret_size)
{
    if (fgets(reader->line, sizeof reader->line, reader->file) == NULL) {
        return ferror(reader->file) != 0 ? blame(reader, -EIO, chek_bytes_view_text(""), NULL) : 0;
    }
    reader->fault->line += 1;
    size_t size = strlen(reader->line);
    bool is_whole = size != 0 && reader->line[size - 1] == '\n';
    if (!is_whole && feof(reader->file) == 0) {
        return blame(reader, CHEK_E_TEXT, chek_bytes_view_text(""),
                     "the line is too long, or has a NUL in it");
    }
    size -= is_whole;
    *ret_size = size - (size != 0 && reader->line[size - 1] == '\r');
    return 1;
}

/* ---- elements --------------------------------------------------------------------------------- */

static int
element_begin(struct reader *reader)
{
    uint16_t field;
    uint32_t index = reader->goods->what->elements_count;
    int error = chek_record_build_open(&reader->build, chek_bytes_view_text("elements"), &field);
    if (error != CHEK_OK) {
        return blame(reader, error, chek_bytes_view_text("elements"),
                     "there are more than 4,096 groups and items");
    }
    reader->goods->lines[index] = reader->fault->line;
    return CHEK_OK;
}

static int
value_set(struct reader *reader, struct chek_bytes_view name, struct chek_bytes_view text)
{
    uint16_t field;
    int error = chek_record_build_set(&reader->build, name, text, &field);
    return error != CHEK_OK ? blame(reader, error, name, NULL) : CHEK_OK;
}

static int
tax_begin(struct reader *reader)
{
    uint16_t field;
    struct chek_bytes_view name = chek_bytes_view_text(TAXES);
    int error = chek_record_build_open(&reader->build, name, &field);
    return error != CHEK_OK ? blame(reader, error, name, "an item has at most 8 taxes") : CHEK_OK;
}

/* ---- CSV -------------------------------------------------------------------------------------- */

/* One tax, "101/100/16000". */
static int
tax_read(struct reader *reader, struct chek_bytes_view text)
{
    static const char *const names[TAX_PART_COUNT] = {"taxation_type", "tax_type", "tax_percent"};
    size_t at = 0;
    int error = tax_begin(reader);
    for (size_t i = 0; error == CHEK_OK && i < TAX_PART_COUNT; i++) {
        size_t begin = at;
        while (at < text.size && text.bytes[at] != '/') {
            at += 1;
        }
        bool is_last = i + 1 == TAX_PART_COUNT;
        if (is_last != (at == text.size)) {
            return blame(reader, CHEK_E_RANGE, chek_bytes_view_text(TAXES),
                         "a tax is TAXATION_TYPE/TAX_TYPE/TAX_PERCENT");
        }
        error = value_set(reader, chek_bytes_view_text(names[i]),
                          chek_bytes_view_of(text.bytes + begin, at - begin));
        at += 1;
    }
    if (error == CHEK_OK) {
        chek_record_build_close(&reader->build);
    }
    return error;
}

/* Taxes with blanks between. */
static int
taxes_read(struct reader *reader, struct chek_bytes_view text)
{
    int error = CHEK_OK;
    for (size_t at = 0; error == CHEK_OK && at < text.size; at++) {
        size_t begin = at;
        while (at < text.size && text.bytes[at] != ' ') {
            at += 1;
        }
        if (at != begin) {
            error = tax_read(reader, chek_bytes_view_of(text.bytes + begin, at - begin));
        }
    }
    return error;
}

static int
cell_read(struct reader *reader, struct chek_bytes_view name, struct chek_bytes_view text)
{
    if (text.size == 0) {
        return CHEK_OK;
    }
    return chek_bytes_view_equal(name, chek_bytes_view_text(TAXES)) ? taxes_read(reader, text)
                                                                    : value_set(reader, name, text);
}

static bool
is_column(struct chek_bytes_view name)
{
    size_t i = 0;
    while (chek_record_shapes[i]->number != CHEK_RECORD_NOMENCLATURE_ELEMENT) {
        i += 1;
    }
    const struct chek_record_shape *shape = chek_record_shapes[i];
    for (i = 0; i < shape->field_count; i++) {
        const char *known = chek__field_name(&shape->fields[i]);
        if (chek_bytes_view_equal(name, chek_bytes_view_text(known))) {
            return true;
        }
    }
    return false;
}

static int
cells_read(struct reader *reader, char *line, size_t size, struct chek_bytes_view *cells,
           uint32_t *ret_count)
{
    int error = chek__csv_cut(line, size, cells, COLUMN_COUNT_MAX, ret_count);
    return error != CHEK_OK ? blame(reader, error, chek_bytes_view_text(""),
                                    "it is no row of values with commas between")
                            : CHEK_OK;
}

/* The first line names the columns, in any order, once each. */
static int
head_read(struct reader *reader, const char *line, size_t size)
{
    char *kept = chek_arena_take(reader->arena, size + 1);
    if (kept == NULL) {
        return blame(reader, -ENOMEM, chek_bytes_view_text(""), NULL);
    }
    memcpy(kept, line, size);
    int error = cells_read(reader, kept, size, reader->columns, &reader->column_count);
    for (uint32_t i = 0; error == CHEK_OK && i < reader->column_count; i++) {
        bool is_there = false;
        for (uint32_t other = 0; other < i; other++) {
            is_there =
                is_there || chek_bytes_view_equal(reader->columns[i], reader->columns[other]);
        }
        if (is_there || !is_column(reader->columns[i])) {
            error = blame(reader, is_there ? CHEK_E_EXISTS : CHEK_E_FIELD_UNKNOWN,
                          reader->columns[i], is_there ? "the column is there twice" : NULL);
        }
    }
    return error;
}

static int
row_read(struct reader *reader, size_t size)
{
    struct chek_bytes_view cells[COLUMN_COUNT_MAX];
    uint32_t count = 0;
    if (size == 0) {
        return CHEK_OK;
    }
    int error = cells_read(reader, reader->line, size, cells, &count);
    if (error == CHEK_OK && count != reader->column_count) {
        error = blame(reader, CHEK_E_RANGE, chek_bytes_view_text(""),
                      "a row has as many values as the first line has names");
    }
    if (error == CHEK_OK) {
        error = element_begin(reader);
    }
    for (uint32_t i = 0; error == CHEK_OK && i < count; i++) {
        error = cell_read(reader, reader->columns[i], cells[i]);
    }
    if (error == CHEK_OK) {
        chek_record_build_close(&reader->build);
    }
    return error;
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static int
on_open(void *context)
{
    struct reader *reader = context;
    if (reader->inside == INSIDE_NOTHING) {
        reader->inside = INSIDE_ELEMENT;
        return element_begin(reader) == CHEK_OK;
    }
    if (reader->inside == INSIDE_TAXES) {
        reader->inside = INSIDE_TAX;
        return tax_begin(reader) == CHEK_OK;
    }
    return 0; /* an object inside: it is not a value of ours */
}

static int
on_close(void *context)
{
    struct reader *reader = context;
    chek_record_build_close(&reader->build);
    reader->inside = reader->inside == INSIDE_TAX ? INSIDE_TAXES : INSIDE_NO_MORE;
    return 1;
}

/* The one list that an element has. */
static int
on_list_open(void *context)
{
    struct reader *reader = context;
    bool is_ours = reader->inside == INSIDE_ELEMENT && strcmp(reader->key, TAXES) == 0;
    reader->inside = is_ours ? INSIDE_TAXES : reader->inside;
    return is_ours;
}

static int
on_list_close(void *context)
{
    struct reader *reader = context;
    reader->inside = INSIDE_ELEMENT;
    return 1;
}

/* Whether a value stands behind a name. */
static bool
is_named(const struct reader *reader)
{
    return reader->inside == INSIDE_ELEMENT || reader->inside == INSIDE_TAX;
}

static int
on_key(void *context, const unsigned char *bytes, size_t size)
{
    struct reader *reader = context;
    if (size >= sizeof reader->key) {
        return blame(reader, CHEK_E_FIELD_UNKNOWN, chek_bytes_view_of(bytes, size), NULL) ==
               CHEK_OK;
    }
    memcpy(reader->key, bytes, size);
    reader->key[size] = 0;
    return 1;
}

static int
on_text(void *context, const unsigned char *bytes, size_t size)
{
    struct reader *reader = context;
    return is_named(reader) && value_set(reader, chek_bytes_view_text(reader->key),
                                         chek_bytes_view_of(bytes, size)) == CHEK_OK;
}

static int
on_number(void *context, const char *text, size_t size)
{
    return on_text(context, (const unsigned char *)text, size);
}

static int
on_flag(void *context, int is_true)
{
    const char *text = is_true ? "true" : "false";
    return on_text(context, (const unsigned char *)text, strlen(text));
}

static int
on_null(void *context)
{
    return is_named(context);
}

static int
object_read(struct reader *reader, size_t size)
{
    static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                             .yajl_boolean = on_flag,
                                             .yajl_number = on_number,
                                             .yajl_string = on_text,
                                             .yajl_start_map = on_open,
                                             .yajl_map_key = on_key,
                                             .yajl_end_map = on_close,
                                             .yajl_start_array = on_list_open,
                                             .yajl_end_array = on_list_close};
    if (strspn(reader->line, " \t\r\n") >= size) {
        return CHEK_OK;
    }
    yajl_handle parser = yajl_alloc(&callbacks, NULL, reader);
    if (parser == NULL) {
        return blame(reader, -ENOMEM, chek_bytes_view_text(""), NULL);
    }
    reader->inside = INSIDE_NOTHING;
    yajl_status status = yajl_parse(parser, (const unsigned char *)reader->line, size);
    if (status == yajl_status_ok) {
        status = yajl_complete_parse(parser);
    }
    yajl_free(parser);
    if (status != yajl_status_ok && reader->fault->code == CHEK_OK) {
        return blame(reader, CHEK_E_MAGIC, chek_bytes_view_text(""),
                     "it is no JSON object with a value a name");
    }
    return reader->fault->code;
}

/* ---- the file --------------------------------------------------------------------------------- */

/* The byte order mark that spreadsheets write is no part of the first line. */
static size_t
mark_drop(struct reader *reader, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t mark_size = sizeof mark - 1;
    if (size < mark_size || memcmp(reader->line, mark, mark_size) != 0) {
        return size;
    }
    size -= mark_size;
    memmove(reader->line, reader->line + mark_size, size + 1);
    return size;
}

static int
file_read(struct reader *reader)
{
    size_t size = 0;
    int more = line_next(reader, &size);
    if (more == 1) {
        size = mark_drop(reader, size);
    }
    bool is_json = more == 1 && reader->line[0] == '{';
    int error = more == 1 && !is_json ? head_read(reader, reader->line, size) : CHEK_OK;
    if (error == CHEK_OK && more == 1 && !is_json) {
        more = line_next(reader, &size);
    }
    while (error == CHEK_OK && more == 1) {
        error = is_json ? object_read(reader, size) : row_read(reader, size);
        if (error == CHEK_OK) {
            more = line_next(reader, &size);
        }
    }
    return error != CHEK_OK ? error : more;
}

int
chek__goods_read(FILE *file, struct chek_arena *arena, struct chek__goods *ret,
                 struct chek__goods_fault *fault)
{
    static struct reader reader;
    reader = (struct reader){.file = file, .arena = arena, .goods = ret, .fault = fault};
    *fault = (struct chek__goods_fault){0};
    *ret = (struct chek__goods){.lines = chek_arena_take(arena, 4097 * sizeof *ret->lines)};
    int error = chek_record_build_begin(&reader.build, arena, CHEK_RECORD_NOMENCLATURE, &ret->what);
    if (error != CHEK_OK || ret->lines == NULL) {
        return blame(&reader, -ENOMEM, chek_bytes_view_text(""), NULL);
    }
    return file_read(&reader);
}
