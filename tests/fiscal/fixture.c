/* SPDX-License-Identifier: MIT */
/* fixture.c - set fiscal up, feed it, read it. */
#include "tests/fiscal/fixture.h"

#include "engine/base/assertion.h"

#define PAGE_COUNT_MAX 65536
#define SEGMENT_ROW_COUNT 128 /* so that small tests have sealed rows too */
#define ARENA_SIZE (64 * 1024 * 1024)

static void
on_event(void *context, const struct chek_event *event)
{
    struct fixture *fixture = context;
    if (fixture->event_count < FIXTURE_EVENT_MAX) {
        fixture->events[fixture->event_count] = *event;
    }
    fixture->event_count += 1;
}

void
fixture_begin(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    CHEK_ASSERT(chek_page_heap_init(&fixture->heap, PAGE_COUNT_MAX,
                                    sizeof(struct chek_fiscal_root)) == CHEK_OK);
    struct chek_store_config config = {.dictionary_count_max = CHEK_DICTIONARY_COUNT_MAX,
                                       .dictionary_size_max = CHEK_DICTIONARY_SIZE_MAX,
                                       .segment_row_count = SEGMENT_ROW_COUNT};
    CHEK_ASSERT(chek_store_create(&config, &fixture->store) == CHEK_OK);
    CHEK_ASSERT(chek_arena_init(&fixture->scratch, CHEK_FISCAL_SCRATCH_SIZE) == CHEK_OK);
    CHEK_ASSERT(chek_arena_init(&fixture->arena, ARENA_SIZE) == CHEK_OK);
    fixture->fiscal = (struct chek_fiscal){
        .heap = &fixture->heap,
        .store = fixture->store,
        .scratch = &fixture->scratch,
    };
    fixture->circumstance.received_us = UINT64_C(1767225600000000);
    fixture->sink = (struct chek_event_sink){fixture, on_event};
    struct chek_fiscal_root *root = chek_page_heap_root_change(&fixture->heap);
    root->registrations.seed = 11;
    root->keys.seed = 12;
}

void
fixture_end(struct fixture *fixture)
{
    chek_page_heap_finish(&fixture->heap);
    chek_store_destroy(fixture->store);
    chek_arena_finish(&fixture->scratch);
    chek_arena_finish(&fixture->arena);
}

void
fixture_register(struct fixture *fixture, uint32_t registration, const char *point)
{
    char text[16] = "600000000000";
    for (uint32_t digit = 11, left = registration; left != 0; left /= 10) {
        text[digit--] = (char)('0' + left % 10);
    }
    struct chek_register_key key = {.value = chek_bytes_view_of(text, 12)};
    struct chek_register what = {
        .keys = &key,
        .keys_count = 1,
        .organisation = chek_bytes_view_text("123456789012"),
        .point = chek_bytes_view_text(point),
    };
    struct chek_fault fault;
    CHEK_ASSERT(chek_register_check(&what, &fault) == CHEK_OK);
    CHEK_ASSERT(chek_fiscal_ensure(&fixture->fiscal, 1, 256) == CHEK_OK);
    fixture->event_count = 0;
    chek_fiscal_register(&fixture->fiscal, registration, &what, &fixture->circumstance,
                         &fixture->sink);
}

struct chek_result
fixture_apply(struct fixture *fixture, uint32_t registration, const struct chek_document *document)
{
    struct chek_document named = *document;
    struct chek_result result;
    struct chek_fault fault;
    uint32_t warnings;
    named.registration = registration;
    CHEK_ASSERT(chek_document_check(&named, &warnings, &fault) == CHEK_OK);
    CHEK_ASSERT(chek_fiscal_ensure(&fixture->fiscal, 1, 65536) == CHEK_OK);
    fixture->event_count = 0;
    fixture->circumstance.received_us += 1;
    bool applied = chek_fiscal_apply(&fixture->fiscal, registration, &named, &fixture->circumstance,
                                     &fixture->sink, &result);
    CHEK_ASSERT(applied);
    return result;
}

struct chek_result
fixture_receipt(struct fixture *fixture, const struct chek_receipt *receipt)
{
    return fixture_apply(fixture, FIXTURE_REGISTRATION,
                         &(struct chek_document){.receipt = receipt});
}

struct chek_result
fixture_movement(struct fixture *fixture, const struct chek_movement *movement)
{
    return fixture_apply(fixture, FIXTURE_REGISTRATION,
                         &(struct chek_document){.movement = movement});
}

struct chek_result
fixture_close(struct fixture *fixture, const struct chek_close *close)
{
    return fixture_apply(fixture, FIXTURE_REGISTRATION, &(struct chek_document){.close = close});
}

struct chek_result
fixture_sell(struct fixture *fixture, uint32_t document, uint32_t shift, int64_t total)
{
    struct chek_line line = {.sum = total};
    struct chek_payment payment = {.sum = total};
    struct chek_receipt receipt = {
        .time = FIXTURE_DAY + document * INT64_C(60),
        .shift = shift,
        .document = document,
        .total = total,
        .payments = &payment,
        .payments_count = 1,
        .lines = &line,
        .lines_count = 1,
    };
    return fixture_receipt(fixture, &receipt);
}

struct chek_answer_report
fixture_report(struct fixture *fixture, uint32_t shift, uint32_t revision)
{
    struct chek_answer_report answer;
    int error = chek_fiscal_report(&fixture->fiscal, FIXTURE_REGISTRATION, shift, revision, false,
                                   &fixture->arena, &answer);
    CHEK_ASSERT(error == CHEK_OK);
    return answer;
}

struct chek_report_operation
fixture_operation(const struct chek_report *report, uint8_t operation)
{
    for (uint32_t i = 0; i < report->operations_count; i++) {
        if (report->operations[i].operation == operation) {
            return report->operations[i];
        }
    }
    return (struct chek_report_operation){0};
}

struct chek_bytes_view
fixture_bytes(struct fixture *fixture, const struct chek_answer_report *answer)
{
    size_t capacity = CHEK_ANSWER_REPORT_SIZE_MAX;
    uint8_t *bytes = chek_arena_take(&fixture->arena, capacity);
    CHEK_ASSERT(bytes != NULL);
    struct chek_writer out = chek_writer_over(bytes, capacity);
    chek_answer_report_encode(&out, answer);
    CHEK_ASSERT(!out.full);
    return chek_bytes_view_of(bytes, out.size);
}
