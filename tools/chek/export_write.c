/* SPDX-License-Identifier: MIT */
#include "tools/chek/export_write.h"

#include <stdio.h>
#include <string.h>

#include "tools/chek/field_text.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"

#define COLUMN_COUNT_MAX 95 /* behind the first: what a reader of exports has room for */

/* Names of the values that records of a document have, in the order in which they are met. */
static struct {
    const char *names[COLUMN_COUNT_MAX];
    uint32_t count;
} columns;

/* ---- CSV -------------------------------------------------------------------------------------- */

static bool
is_value(const struct chek_field_shape *field)
{
    return field->type != CHEK_SHAPE_RECORD && field->type != CHEK_SHAPE_LIST &&
           field->type != CHEK_SHAPE_BLOBS;
}

static uint32_t
column_find(const char *name)
{
    uint32_t at = 0;
    while (at < columns.count && strcmp(columns.names[at], name) != 0) {
        at += 1;
    }
    return at;
}

/* NOLINTNEXTLINE(misc-no-recursion): records are nested as deep as protocol.def says */
static void
columns_gather(const struct chek_record_shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct chek_field_shape *field = &shape->fields[i];
        if (field->type == CHEK_SHAPE_RECORD || field->type == CHEK_SHAPE_LIST) {
            columns_gather(field->record);
        } else if (is_value(field) && column_find(chek__field_name(field)) == columns.count &&
                   columns.count < COLUMN_COUNT_MAX) {
            columns.names[columns.count++] = chek__field_name(field);
        }
    }
}

static const struct chek_record_shape *
document_shape(void)
{
    size_t i = 0;
    while (chek_record_shapes[i]->number != CHEK_RECORD_DOCUMENT) {
        i += 1;
    }
    return chek_record_shapes[i];
}

void
chek__export_titles(void)
{
    columns.count = 0;
    columns_gather(document_shape());
    (void)fputs("chek", stdout);
    for (uint32_t i = 0; i < columns.count; i++) {
        (void)printf(",%s", columns.names[i]);
    }
    (void)fputs("\r\n", stdout);
}

/* Bytes are digits, however many there are. */
static void
cell_write(const struct chek_field_shape *field, const void *record)
{
    char text[CHEK__FIELD_TEXT_MAX + 8];
    struct chek_bytes_view bytes;
    if (field->type != CHEK_SHAPE_BYTES) {
        chek__csv_put(chek__field_text(field, record, text));
        return;
    }
    memcpy(&bytes, (const uint8_t *)record + field->offset, sizeof bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        (void)printf("%02x", bytes.bytes[i]);
    }
}

/* A row: what it is, and the values of a record in their columns. */
static void
row_write(const char *path, const struct chek_record_shape *shape, const void *record)
{
    const struct chek_field_shape *fields[COLUMN_COUNT_MAX] = {NULL};
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct chek_field_shape *field = &shape->fields[i];
        if (is_value(field) && !chek__field_is_empty(field, record)) {
            fields[column_find(chek__field_name(field))] = field;
        }
    }
    (void)fputs(path, stdout);
    for (uint32_t i = 0; i < columns.count; i++) {
        (void)fputc(',', stdout);
        if (fields[i] != NULL) {
            cell_write(fields[i], record);
        }
    }
    (void)fputs("\r\n", stdout);
}

/* Bytes of a list: a row each, in the first column. */
static void
blob_write(const char *path, struct chek_bytes_view blob)
{
    char text[CHEK__FIELD_TEXT_MAX + 8];
    (void)printf("%s,", path);
    chek__csv_put(chek__blob_text(blob, text));
    for (uint32_t i = 1; i < columns.count; i++) {
        (void)fputc(',', stdout);
    }
    (void)fputs("\r\n", stdout);
}

static void record_write(const char *path, const struct chek_record_shape *shape,
                         const void *record);

static void
list_write(const struct chek_field_shape *field, const uint8_t *record)
{
    const uint8_t *elements;
    uint32_t count;
    memcpy(&elements, record + field->offset, sizeof elements);
    memcpy(&count, record + field->count_offset, sizeof count);
    for (uint32_t i = 0; i < count; i++) {
        struct chek_bytes_view blob;
        if (field->type == CHEK_SHAPE_LIST) {
            record_write(chek_field_name(field->number), field->record,
                         elements + i * field->record->struct_size);
            continue;
        }
        memcpy(&blob, elements + i * sizeof blob, sizeof blob);
        blob_write(chek_field_name(field->number), blob);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): records are nested as deep as protocol.def says */
static void
record_write(const char *path, const struct chek_record_shape *shape, const void *record)
{
    row_write(path, shape, record);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct chek_field_shape *field = &shape->fields[i];
        const void *inner;
        if (is_value(field) || chek__field_is_empty(field, record)) {
            continue;
        }
        if (field->type == CHEK_SHAPE_RECORD) {
            memcpy(&inner, (const uint8_t *)record + field->offset, sizeof inner);
            record_write(chek_field_name(field->number), field->record, inner);
        } else {
            list_write(field, record);
        }
    }
}

/* ---- both ------------------------------------------------------------------------------------- */

static void
json_write(struct chek__run *run, const struct chek_document *document)
{
    chek__json_open(run);
    chek__json_text(run, "chek", chek_bytes_view_text("document"));
    chek__json_given(run, "profile", CHEK_RECORD_REGISTER, document->profile);
    chek__json_given(run, "receipt", CHEK_RECORD_RECEIPT, document->receipt);
    chek__json_given(run, "movement", CHEK_RECORD_MOVEMENT, document->movement);
    chek__json_given(run, "close", CHEK_RECORD_CLOSE, document->close);
    chek__json_close(run);
    chek__json_end(run);
}

void
chek__export_write(struct chek__run *run, bool csv, const struct chek_document *document)
{
    struct chek_receipt receipt;
    struct chek_document told = *document;
    if (document->receipt != NULL) {
        /* Who bought is known to this folder's key alone, and a subject of another means nobody. */
        receipt = *document->receipt;
        memset(receipt.subject, 0, sizeof receipt.subject);
        receipt.persons = NULL;
        receipt.persons_count = 0;
        told.receipt = &receipt;
    }
    if (csv) {
        record_write("document", document_shape(), &told);
    } else {
        json_write(run, &told);
    }
}
