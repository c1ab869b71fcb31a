/* SPDX-License-Identifier: MIT */
/* test_fns_json.c - how receipts lie in JSON, and what a reader of it bears. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "ingest/fns_json.h"
#include "tests/unit/fns_fixture.h"
#include "tests/unit/table.h"

/* ---- how receipts lie in the JSON ------------------------------------------------------------- */

#define BASE                                                                         \
    "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\"" \
    "fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"tot"  \
    "alSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":1"  \
    "00}]}"

static struct raw_case {
    const char *name, *json;
    int error;
    const char *want;
} raws[] = {
    {"first_of_two_equal_names",
     "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\""
     "fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"tot"
     "alSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":1"
     "00}],\"totalSum\":5}",
     CHEK_OK, FNS_RECEIPT FNS_LINE},
    {"receipt_inside_of_unknown_objects",
     "{\"ticket\":{\"other\":1,\"document\":{\"x\":[1,{\"totalSum\":3}],\"receipt\""
     ":" BASE "}},\"after\":{\"totalSum\":7}}",
     CHEK_OK, FNS_RECEIPT FNS_LINE},
    {"member_of_a_receipt_called_document",
     "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\""
     "fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"tot"
     "alSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":1"
     "00}],\"document\":{\"totalSum\":5,\"fiscalDriveNumber\":\"1\"}}",
     CHEK_OK, FNS_RECEIPT FNS_LINE},
    {"objects_that_are_no_receipts", "[{},{\"a\":1},[],{\"receipt\":{}}]", CHEK_OK, ""},
    {"values_one_behind_another",
     BASE "\n{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":2"
          ",\"fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\""
          "totalSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\""
          ":100}]}\n",
     CHEK_OK,
     FNS_RECEIPT FNS_LINE
     "\n99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 2 fp 2 total 100" FNS_LINE},
    {"byte_order_mark",
     "\xef\xbb\xbf"
     "" BASE,
     CHEK_OK, FNS_RECEIPT FNS_LINE},
    {"nothing", "", CHEK_E_MAGIC, "at 0: MAGIC [0]"},
    {"only_a_number", "12", CHEK_OK, ""},
    {"not_json", "hello", CHEK_E_MAGIC, "at 1: MAGIC [0]"},
    {"cut_in_the_middle", BASE ",{\"a\":", CHEK_E_MAGIC,
     FNS_RECEIPT FNS_LINE "\nat 206: MAGIC [0]"},
    {"cut_after_a_receipt_in_an_array", "[" BASE, CHEK_E_MAGIC,
     FNS_RECEIPT FNS_LINE "\nat 206: MAGIC [0]"},
    {"two_values_without_end", "{\"receipt\":" BASE, CHEK_E_MAGIC,
     FNS_RECEIPT FNS_LINE "\nat 216: MAGIC [0]"},
    {"nested_too_deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
     CHEK_E_MAGIC, "at 65: LIMIT [0]"},
    {"nested_just_so_deep",
     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"fiscalDriveN"
     "umber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\"fiscalSign\":2"
     ",\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"totalSum\":100,\""
     "items\":[]}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
     CHEK_OK, FNS_RECEIPT},
};

static void
test_fns_json_raw(void **state)
{
    const struct raw_case *c = *state;
    fns_check(c->json, c->error, c->want);
}

/* ---- limits ----------------------------------------------------------------------------------- */

/* A receipt of `count` lines of 1 each. */
static char *
receipt_of_lines(unsigned count)
{
    char *json = malloc(400 + count * (size_t)80);
    assert_non_null(json);
    int size = sprintf(
        json,
        "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,"
        "\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"totalSum\":%u,\"items\":[",
        count);
    for (unsigned i = 0; i < count; i++) {
        size += sprintf(json + size, "%s{\"name\":\"line\",\"price\":1,\"quantity\":1,\"sum\":1}",
                        i != 0 ? "," : "");
    }
    (void)sprintf(json + size, "]}");
    return json;
}

static int
on_counted(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    uint32_t *count = context;
    (void)offset;
    (void)warnings;
    *count += document->receipt->lines_count;
    return CHEK_OK;
}

static int
on_refused(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    uint32_t *count = context;
    (void)offset;
    (void)why;
    assert_error(fault->code, CHEK_E_LIMIT);
    assert_string_equal(chek_field_name(fault->field), "receipt.lines");
    *count += 1000000;
    return CHEK_OK;
}

static void
test_fns_json_line_count_limit(void **state)
{
    (void)state;
    for (unsigned lines = 999; lines <= 1002; lines++) {
        uint32_t count = 0;
        const struct chek_fns_json_sink sink = {&count, on_counted, on_refused, NULL};
        struct chek_fns_json *reader;
        char *json = receipt_of_lines(lines);
        assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
        assert_error(chek_fns_json_read(reader, json, strlen(json)), CHEK_OK);
        assert_error(chek_fns_json_end(reader), CHEK_OK);
        chek_fns_json_destroy(reader);
        free(json);
        assert_int_equal(count, lines <= CHEK_LINE_COUNT_MAX ? lines : 1000000);
    }
}

static int
on_stop(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    unsigned *count = context;
    (void)offset;
    (void)document;
    (void)warnings;
    *count += 1;
    return CHEK_E_STOPPING;
}

static void
test_fns_json_stops_when_the_sink_says_so(void **state)
{
    const char *json = "[" BASE "," BASE "]";
    unsigned count = 0;
    const struct chek_fns_json_sink sink = {&count, on_stop, on_refused, NULL};
    struct chek_fns_json *reader;
    (void)state;
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, json, strlen(json)), CHEK_E_STOPPING);
    assert_error(chek_fns_json_read(reader, json, strlen(json)), CHEK_E_STOPPING);
    assert_error(chek_fns_json_end(reader), CHEK_E_STOPPING);
    assert_int_equal(count, 1);
    chek_fns_json_destroy(reader);
}

static void
test_fns_json_create_without_memory(void **state)
{
    const struct chek_fns_json_sink sink = {NULL, on_stop, on_refused, NULL};
    struct chek_fns_json *reader = NULL;
    uint64_t heap_size = chek_memory_count().heap_size;
    (void)state;
    for (uint64_t n = 1; n <= 2; n++) {
        chek_memory_fail_at(n);
        assert_error(chek_fns_json_create(&sink, &reader), -ENOMEM);
        chek_memory_fail_at(0);
        assert_null(reader);
    }
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    chek_fns_json_destroy(reader);
    assert_int_equal(chek_memory_count().heap_size, heap_size);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_fns_json_raw, raws);
    TABLE_TEST(&table, test_fns_json_line_count_limit);
    TABLE_TEST(&table, test_fns_json_stops_when_the_sink_says_so);
    TABLE_TEST(&table, test_fns_json_create_without_memory);
    return table_run(&table, "fns_json");
}
