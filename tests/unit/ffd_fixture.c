/* SPDX-License-Identifier: MIT */
#include "tests/unit/ffd_fixture.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/civil.h"
#include "ingest/ffd_tlv.h"
#include "ingest/fns_json.h"
#include "tests/unit/table.h"

#define DRIVE "9999078900000031"
#define HEAD_SIZE (CHEK_FFD_MESSAGE_HEAD_SIZE + CHEK_FFD_CONTAINER_HEAD_SIZE)

void
ffd_text(struct chek_writer *out, uint16_t tag, const char *text)
{
    assert_error(chek_ffd_put_text(out, tag, chek_bytes_view_text(text), 0), CHEK_OK);
}

size_t
ffd_begin(struct chek_writer *out, uint16_t code, uint32_t number)
{
    size_t opened = chek_ffd_open(out, code);
    int64_t time;
    assert_error(chek_civil_read(chek_bytes_view_text("2026-08-03T16:44:00"), &time), CHEK_OK);
    ffd_text(out, 1041, DRIVE);
    assert_error(chek_ffd_put_text(out, 1037, chek_bytes_view_text("0000000006000031"), 20),
                 CHEK_OK);
    assert_error(chek_ffd_put_text(out, 1018, chek_bytes_view_text("0000000027"), 12), CHEK_OK);
    chek_ffd_put_u32(out, 1040, number);
    chek_ffd_put_u32(out, 1012, (uint32_t)time);
    chek_ffd_put_bytes(out, 1077, chek_bytes_view_of("\x31\x04\xd5\x2d\x9b\x9c", 6));
    chek_ffd_put_u32(out, 1038, 245);
    return opened;
}

void
ffd_end(struct chek_writer *out, size_t opened)
{
    chek_ffd_close(out, opened);
    assert_false(out->full);
}

size_t
ffd_receipt(uint8_t *bytes, uint32_t number)
{
    struct chek_writer out = chek_writer_over(bytes, FFD_FIXTURE_SIZE);
    size_t opened = ffd_begin(&out, 3, number);
    chek_ffd_put_u32(&out, 1042, 73);
    chek_ffd_put_u8(&out, 1054, 1);
    chek_ffd_put_u8(&out, 1055, 1);
    chek_ffd_put_vln(&out, 1020, 10000);
    chek_ffd_put_vln(&out, 1031, 10000);
    size_t line = chek_ffd_open(&out, 1059);
    ffd_text(&out, 1030, "Хлеб");
    chek_ffd_put_vln(&out, 1079, 5000);
    chek_ffd_put_fvln(&out, 1023, 2000, 3);
    chek_ffd_put_vln(&out, 1043, 10000);
    chek_ffd_put_u8(&out, 1199, 2);
    chek_ffd_put_u8(&out, 1212, 1);
    chek_ffd_put_u8(&out, 1214, 4);
    chek_ffd_close(&out, line);
    chek_ffd_put_vln(&out, 1103, 909);
    ffd_text(&out, 1009, "г. Образцовый");
    ffd_end(&out, opened);
    return out.size;
}

/* ---- as JSON ---------------------------------------------------------------------------------- */

/* What is written of one element; nested ones are opened, and closed by depth. */
static void
json_element(struct chek_writer *out, const struct chek_ffd_element *element)
{
    static _Alignas(16) uint8_t memory[4096];
    char text[600];
    struct chek_arena arena;
    struct chek_bytes_view view;
    uint64_t number = 0;
    int size = snprintf(text, sizeof text, "\"%s\":", element->known->name);
    chek_writer_bytes(out, text, (size_t)size);
    if (element->known->type == CHEK_FFD_NESTED) {
        chek_writer_u8(out, '{');
        return;
    }
    if (element->known->type == CHEK_FFD_TEXT) {
        chek_arena_init_over(&arena, memory, sizeof memory);
        assert_error(chek_ffd_text_read(element->value, &arena, &view), CHEK_OK);
        size = snprintf(text, sizeof text, "\"%.*s\",", (int)view.size, (const char *)view.bytes);
    } else if (element->tag == 1077) {
        for (size_t i = 2; i < element->value.size; i++) {
            number = number << 8 | element->value.bytes[i];
        }
        size = snprintf(text, sizeof text, "%" PRIu64 ",", number);
    } else {
        assert_error(chek_ffd_vln_read(element->value, &number), CHEK_OK);
        size = snprintf(text, sizeof text, "%" PRIu64 ",", number);
    }
    chek_writer_bytes(out, text, (size_t)size);
}

/* Close what is open down to a depth; the last comma goes. */
static void
json_close(struct chek_writer *out, uint16_t *depth, uint16_t to)
{
    for (; *depth > to; *depth -= 1) {
        out->size -= out->size > 0 && out->bytes[out->size - 1] == ',';
        chek_writer_bytes(out, "},", 2);
    }
}

void
ffd_json(const uint8_t *document, size_t size, char *ret, size_t ret_size)
{
    struct chek_writer out = chek_writer_over(ret, ret_size);
    struct chek_ffd_walk walk;
    struct chek_ffd_element element;
    uint16_t depth = 0;
    const struct chek_ffd_kind *kind = chek_ffd_kind_find(document[0]);
    chek_ffd_walk_begin(&walk, chek_bytes_view_of(document + 4, size - 4));
    chek_writer_bytes(&out, "{\"", 2);
    chek_writer_bytes(&out, kind->name, strlen(kind->name));
    chek_writer_bytes(&out, "\":{", 3);
    while (chek_ffd_walk_next(&walk, &element)) {
        json_close(&out, &depth, element.depth);
        if (element.known != NULL && element.known->type != CHEK_FFD_FVLN &&
            (element.known->type != CHEK_FFD_BYTES || element.tag == 1077)) {
            json_element(&out, &element);
            depth = (uint16_t)(element.depth + (element.known->type == CHEK_FFD_NESTED));
        }
    }
    assert_error(walk.error, CHEK_OK);
    json_close(&out, &depth, 0);
    depth = 1;
    json_close(&out, &depth, 0);
    out.size -= 1;
    chek_writer_bytes(&out, "}", 2);
    assert_false(out.full);
}

/* ---- forms ------------------------------------------------------------------------------------ */

/* Offset of the container in a form. */
static size_t
container_at(enum ffd_form form)
{
    return form >= FFD_SENT ? CHEK_FFD_MESSAGE_HEAD_SIZE : 0;
}

void
ffd_resum(enum ffd_form form, uint8_t *bytes, size_t size)
{
    uint8_t *container = bytes + container_at(form);
    size_t container_size = size - container_at(form);
    if (form >= FFD_CONTAINED) {
        uint16_t crc = chek_ffd_crc(container, 2, container + 4, container_size - 4);
        chek_store_u16(container + 2, crc);
    }
    if (form == FFD_SENT_SUMMED) {
        chek_store_u16(bytes + 28, chek_ffd_crc(bytes, 28, container, container_size));
    }
}

size_t
ffd_wrap(enum ffd_form form, const uint8_t *document, size_t size, uint32_t number, uint8_t *ret)
{
    static const uint8_t drive[] = {0x99, 0x99, 0x07, 0x89, 0x00, 0x00, 0x00, 0x31};
    uint8_t content[HEAD_SIZE] = {0xa5, document[0], 1, 0x10, 0x09};
    static const uint8_t tail[] = {0x81, 0x06, 0x2e, 0xf4, 0x55, 0xf8, 0x92, 0xba, 0, 0};
    size_t tail_size = form == FFD_ALONE ? 0 : form >= FFD_CONTAINED ? 10 : 8;
    struct chek_writer out = chek_writer_over(ret, FFD_FIXTURE_SIZE);
    size_t container_size = CHEK_FFD_CONTAINER_HEAD_SIZE + size + tail_size;
    memcpy(content + 5, drive, sizeof drive);
    for (unsigned i = 0; i < 3; i++) {
        content[13 + i] = (uint8_t)(number >> (8 * (2 - i)));
    }
    content[26] = (uint8_t)(size >> 8);
    content[27] = (uint8_t)size;
    if (form >= FFD_SENT) {
        chek_writer_bytes(&out, "\x2a\x08\x41\x0a\x81\xa2\x01\x05" DRIVE, 24);
        chek_writer_u16(&out, (uint16_t)container_size);
        chek_writer_u16(&out, form == FFD_SENT ? 0x14 : 0x16);
        chek_writer_u16(&out, 0);
    }
    if (form >= FFD_CONTAINED) {
        chek_writer_u16(&out, (uint16_t)container_size);
        chek_writer_u16(&out, 0);
    } else if (form == FFD_STORED) {
        chek_writer_bytes(&out, "\xff\xff\x00\x1c", 4);
    }
    if (form >= FFD_BARE) {
        chek_writer_bytes(&out, content, 28);
    }
    chek_writer_bytes(&out, document, size);
    chek_writer_bytes(&out, tail, tail_size);
    assert_false(out.full);
    ffd_resum(form, ret, out.size);
    return out.size;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void CHEK_PRINTF(2, 3) told_put(struct ffd_told *told, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(told->text + told->text_size, sizeof told->text - told->text_size, format,
                         arguments);
    va_end(arguments);
    assert_true(size >= 0 && told->text_size + (size_t)size < sizeof told->text);
    told->text_size += (size_t)size;
}

int
ffd_on_document(void *context, uint64_t offset, const struct chek_document *document,
                uint32_t warnings)
{
    struct ffd_told *told = context;
    struct chek_writer out = chek_writer_over(told->documents + told->documents_size,
                                              sizeof told->documents - told->documents_size);
    chek_document_encode(&out, document);
    assert_false(out.full);
    told->documents_size += out.size;
    told->document_count += 1;
    if (document->drive_report != NULL) {
        told_put(told, "%" PRIu64 " report %u number %u\n", offset, document->drive_report->kind,
                 document->drive_report->document);
        return CHEK_OK;
    }
    told_put(told, "%" PRIu64 " document %x\n", offset, warnings);
    return CHEK_OK;
}

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    struct ffd_told *told = context;
    told->refusal_count += 1;
    told_put(told, "%" PRIu64 " %s %s: %s\n", offset, chek_error_name(fault->code),
             chek_field_name(fault->field), why);
    return CHEK_OK;
}

static int
on_difference(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    (void)why;
    told_put(context, "%" PRIu64 " differs %s %s\n", offset, chek_error_name(fault->code),
             chek_field_name(fault->field));
    return CHEK_OK;
}

static int
on_passed(void *context, uint64_t offset, const char *kind)
{
    struct ffd_told *told = context;
    told->passed_count += 1;
    told_put(told, "%" PRIu64 " passed %s\n", offset, kind);
    return CHEK_OK;
}

int
ffd_read(const uint8_t *bytes, size_t size, size_t piece, struct ffd_told *told)
{
    const struct chek_ffd_sink sink = {told, ffd_on_document, on_refusal, on_passed};
    struct chek_ffd_reader *reader;
    memset(told, 0, sizeof *told);
    assert_error(chek_ffd_reader_create(&sink, &reader), CHEK_OK);
    int error = CHEK_OK;
    for (size_t at = 0; at < size && error == CHEK_OK; at += piece) {
        error = chek_ffd_reader_read(reader, bytes + at, size - at < piece ? size - at : piece);
    }
    error = error == CHEK_OK ? chek_ffd_reader_end(reader) : error;
    chek_ffd_reader_destroy(reader);
    return error;
}

void
ffd_read_json(const char *text, struct ffd_told *told)
{
    const struct chek_fns_json_sink sink = {told, ffd_on_document, on_refusal, on_difference};
    struct chek_fns_json *reader;
    memset(told, 0, sizeof *told);
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, text, strlen(text)), CHEK_OK);
    assert_error(chek_fns_json_end(reader), CHEK_OK);
    chek_fns_json_destroy(reader);
}
