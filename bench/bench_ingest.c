/* SPDX-License-Identifier: MIT */
/*
 * bench_ingest.c - what a client's adapters cost: receipts as JSON and as elements, codes of marked
 * goods.
 *
 * JSON goes in pieces of 256 KiB, as `chek import` reads files, and every receipt that is found is
 * encoded as it would be sent. Written without spaces, four lines a receipt, names in Russian.
 */
#include <stdio.h>
#include <string.h>

#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "ingest/ffd_container.h"
#include "ingest/ffd_reader.h"
#include "ingest/ffd_tlv.h"
#include "ingest/fns_json.h"
#include "ingest/marking.h"

#define PIECE_SIZE (256 * 1024)
#define JSON_SIZE (1024 * 1024)

static char json[JSON_SIZE];

static const char receipt_text[] =
    "{\"code\":3,\"user\":\"ООО \\\"Образец\\\"\",\"userInn\":\"7825706086  \",\"kktRegId\":"
    "\"0007795807005569    \",\"fiscalDriveNumber\":\"9999078900000001\",\"fiscalDocumentNumber\":"
    "%u,\"fiscalSign\":1168453787,\"dateTime\":\"2024-09-17T18:01:00\",\"operator\":\"КАССИР\","
    "\"shiftNumber\":205,\"requestNumber\":217,\"operationType\":1,\"totalSum\":40000,"
    "\"cashTotalSum\":0,\"ecashTotalSum\":40000,\"prepaidSum\":0,\"creditSum\":0,\"provisionSum\":0"
    ",\"nds10\":3636,\"retailPlace\":\"Лавка\",\"items\":[%s,%s,%s,%s]}";
static const char line_text[] =
    "{\"nds\":2,\"sum\":10000,\"name\":\"Хлеб ржаной, 500 г\",\"price\":10000,\"quantity\":1,"
    "\"paymentType\":4,\"productType\":33,\"itemsQuantityMeasure\":0,\"productCodeNew\":{\"gs1m\":"
    "{\"gtin\":\"04600000000015\",\"sernum\":\"5UA:lm\",\"productIdType\":6,\"rawProductCode\":"
    "\"0104600000000015215UA:lm\"}}}";

struct told {
    uint64_t count, size;
};

static int
on_document(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    static uint8_t bytes[64 * 1024];
    struct told *told = context;
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    (void)offset;
    chek_document_encode(&out, document);
    CHEK_ASSERT(!out.full);
    chek_bench_keep(warnings);
    told->count += 1;
    told->size += out.size;
    return CHEK_OK;
}

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    (void)context;
    (void)offset;
    (void)fault;
    (void)text;
    return CHEK_E_RANGE;
}

/* Fill the text with whole receipts; returns how many, and the size in *ret_size. */
static uint32_t
json_make(size_t *ret_size)
{
    size_t size = 0;
    uint32_t count = 0;
    size_t one = sizeof receipt_text + 4 * sizeof line_text + 16;
    while (size + one < sizeof json) {
        size += (size_t)snprintf(json + size, sizeof json - size, receipt_text, ++count, line_text,
                                 line_text, line_text, line_text);
    }
    *ret_size = size;
    return count;
}

static void
run_json(struct chek_bench_state *state)
{
    size_t size = 0;
    uint32_t count = json_make(&size);
    struct told told = {0};
    uint64_t turns = 0;
    while (chek_bench_next(state)) {
        const struct chek_fns_json_sink sink = {&told, on_document, on_refusal, NULL};
        struct chek_fns_json *reader;
        int error = chek_fns_json_create(&sink, &reader);
        for (size_t at = 0; at < size && error == CHEK_OK; at += PIECE_SIZE) {
            size_t left = size - at;
            error = chek_fns_json_read(reader, json + at, left < PIECE_SIZE ? left : PIECE_SIZE);
        }
        error = error == CHEK_OK ? chek_fns_json_end(reader) : error;
        CHEK_ASSERT(error == CHEK_OK);
        chek_fns_json_destroy(reader);
        turns += 1;
    }
    CHEK_ASSERT(told.count == count * turns);
    chek_bench_set_items(state, count);
    chek_bench_set_bytes(state, size);
    chek_bench_set_counter(state, "encoded_bytes_a_receipt",
                           told.count != 0 ? (double)told.size / (double)told.count : 0);
}

/* ---- elements --------------------------------------------------------------------------------- */

#define ELEMENTS_SIZE (1024 * 1024)

static uint8_t elements[ELEMENTS_SIZE];

static void
text_put(struct chek_writer *out, uint16_t tag, const char *text, size_t width)
{
    int error = chek_ffd_put_text(out, tag, chek_bytes_view_text(text), width);
    CHEK_ASSERT(error == CHEK_OK);
}

/* The receipt of the JSON above as its elements. */
static void
elements_put(struct chek_writer *out, uint32_t number)
{
    size_t opened = chek_ffd_open(out, 3);
    text_put(out, 1041, "9999078900000001", 0);
    text_put(out, 1037, "0007795807005569", 20);
    text_put(out, 1018, "7825706086", 12);
    chek_ffd_put_u32(out, 1040, number);
    chek_ffd_put_u32(out, 1012, 1726596060);
    chek_ffd_put_bytes(out, 1077, chek_bytes_view_of("\x31\x04\x45\xa4\xf1\xdb", 6));
    chek_ffd_put_u32(out, 1038, 205);
    chek_ffd_put_u32(out, 1042, 217);
    chek_ffd_put_u8(out, 1054, 1);
    chek_ffd_put_vln(out, 1020, 40000);
    chek_ffd_put_vln(out, 1081, 40000);
    chek_ffd_put_vln(out, 1103, 3636);
    text_put(out, 1021, "КАССИР", 0);
    text_put(out, 1187, "Лавка", 0);
    for (unsigned i = 0; i < 4; i++) {
        size_t line = chek_ffd_open(out, 1059);
        text_put(out, 1030, "Хлеб ржаной, 500 г", 0);
        chek_ffd_put_vln(out, 1079, 10000);
        chek_ffd_put_fvln(out, 1023, 1, 0);
        chek_ffd_put_vln(out, 1043, 10000);
        chek_ffd_put_u8(out, 1199, 2);
        chek_ffd_put_u8(out, 1214, 4);
        chek_ffd_put_u8(out, 1212, 33);
        size_t code = chek_ffd_open(out, 1163);
        text_put(out, 1305, "0104600000000015215UA:lm", 0);
        chek_ffd_close(out, code);
        chek_ffd_close(out, line);
    }
    chek_ffd_close(out, opened);
}

static uint32_t
elements_make(size_t *ret_size)
{
    struct chek_writer out = chek_writer_over(elements, sizeof elements);
    uint32_t count = 0;
    while (sizeof elements - out.size > 2048) {
        elements_put(&out, ++count);
    }
    *ret_size = out.size;
    return count;
}

static int
on_passed(void *context, uint64_t offset, const char *name)
{
    (void)context;
    (void)offset;
    (void)name;
    return CHEK_E_RANGE;
}

/* From bytes to documents as they are sent. */
static void
run_ffd(struct chek_bench_state *state)
{
    size_t size = 0;
    uint32_t count = elements_make(&size);
    struct told told = {0};
    uint64_t turns = 0;
    while (chek_bench_next(state)) {
        const struct chek_ffd_sink sink = {&told, on_document, on_refusal, on_passed};
        struct chek_ffd_reader *reader;
        int error = chek_ffd_reader_create(&sink, &reader);
        for (size_t at = 0; at < size && error == CHEK_OK; at += PIECE_SIZE) {
            size_t left = size - at;
            error =
                chek_ffd_reader_read(reader, elements + at, left < PIECE_SIZE ? left : PIECE_SIZE);
        }
        error = error == CHEK_OK ? chek_ffd_reader_end(reader) : error;
        CHEK_ASSERT(error == CHEK_OK);
        chek_ffd_reader_destroy(reader);
        turns += 1;
    }
    CHEK_ASSERT(told.count == count * turns);
    chek_bench_set_items(state, count);
    chek_bench_set_bytes(state, size);
}

/* The walk over elements alone: bounds, the table of tags, sizes. */
static void
run_ffd_walk(struct chek_bench_state *state)
{
    size_t size = 0;
    uint32_t count = elements_make(&size);
    uint64_t turns = 0;
    uint64_t found_count = 0;
    while (chek_bench_next(state)) {
        size_t at = 0;
        while (at < size) {
            struct chek_ffd_found found;
            struct chek_ffd_walk walk;
            struct chek_ffd_element element;
            int error = chek_ffd_find(chek_bytes_view_of(elements + at, size - at), &found);
            CHEK_ASSERT(error == CHEK_OK);
            chek_ffd_walk_begin(&walk, found.elements);
            while (chek_ffd_walk_next(&walk, &element)) {
                chek_bench_keep(element.tag);
            }
            CHEK_ASSERT(walk.error == CHEK_OK);
            at += found.size;
            found_count += 1;
        }
        turns += 1;
    }
    CHEK_ASSERT(found_count == count * turns);
    chek_bench_set_items(state, count);
    chek_bench_set_bytes(state, size);
}

/* ---- codes of marked goods -------------------------------------------------------------------- */

static void
run_marking(struct chek_bench_state *state)
{
    static const char *const codes[] = {
        "0104600000000015215OoyE8qxeIOn>",
        "0104600000000015215UA:lm\x1d"
        "93Gk30",
        "010460000000001521FWX00GG65908U\x1d"
        "91EE06\x1d"
        "920123456789012345678901234567890123456789abc=",
        "04600000000015Uon<TYfACyAJPHJ",
    };
    struct chek_bytes_view views[CHEK_COUNT(codes)];
    struct chek_marking marking;
    for (size_t i = 0; i < CHEK_COUNT(codes); i++) {
        views[i] = chek_bytes_view_text(codes[i]);
    }
    while (chek_bench_next(state)) {
        for (size_t i = 0; i < CHEK_COUNT(codes); i++) {
            chek_marking_read(views[i], &marking);
            chek_bench_keep(marking.gtin);
        }
    }
    chek_bench_set_items(state, CHEK_COUNT(codes));
}

void
chek_bench_cases(void)
{
    chek_bench_add("fns_json", run_json);
    chek_bench_add("ffd", run_ffd);
    chek_bench_add("ffd_walk", run_ffd_walk);
    chek_bench_add("marking", run_marking);
}
