/* SPDX-License-Identifier: MIT */
/*
 * outside.c - a program of somebody else, as libchek's user writes it: feed, then ask.
 *
 *   outside HOST:PORT TOKEN
 */
#include <chek.h>
#include <inttypes.h>
#include <stdio.h>

#define RECEIPT_COUNT 1000

static void
on_result(void *context, uint64_t index, const struct chek_result *result)
{
    uint32_t *registration = context;
    if (result->status != CHEK_STATUS_STORED) {
        printf("%" PRIu64 ": %s in %s\n", index, chek_error_text(-(int)result->code),
               chek_field_name((uint16_t)result->field));
    }
    *registration = (uint32_t)result->registration;
}

/* Feed receipts of 1.23 each, paid in cash. */
static int
feed(const struct chek_client_options *connection, uint32_t *registration)
{
    struct chek_feeder *feeder;
    struct chek_failure failure;
    struct chek_feeder_options options = {.connection = *connection,
                                          .frame_size = 4096,
                                          .offset = 1,
                                          .context = registration,
                                          .on_result = on_result};
    int error = chek_feeder_open(&options, &feeder, &failure);
    if (error != CHEK_OK) {
        printf("%s\n", failure.text);
        return error;
    }
    struct chek_register_key key = {.kind = CHEK_KEY_KIND_NAME,
                                    .value = chek_bytes_view_text("counter 1")};
    struct chek_register profile = {
        .keys = &key, .keys_count = 1, .organisation = chek_bytes_view_text("123456789012")};
    struct chek_payment payment = {.kind = CHEK_PAYMENT_KIND_CASH, .sum = 123};
    for (uint32_t i = 1; i <= RECEIPT_COUNT && error == CHEK_OK; i++) {
        uint8_t bytes[512];
        struct chek_receipt receipt = {.time = INT64_C(1767261600) + i,
                                       .document = i,
                                       .total = 123,
                                       .payments = &payment,
                                       .payments_count = 1};
        struct chek_line line = {
            .name = chek_bytes_view_text("хлеб"), .quantity = 1000000, .price = 123, .sum = 123};
        receipt.lines = &line;
        receipt.lines_count = 1;
        struct chek_document document = {.profile = &profile, .receipt = &receipt};
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_document_encode(&out, &document);
        error = chek_feeder_add(feeder, chek_bytes_view_of(out.bytes, out.size));
    }
    error = error == CHEK_OK ? chek_feeder_flush(feeder) : error;
    struct chek_feeder_counters counters = chek_feeder_count(feeder);
    printf("stored %" PRIu64 ", duplicate %" PRIu64 "\n", counters.stored_count,
           counters.duplicate_count);
    chek_feeder_close(feeder);
    return error;
}

static int
on_report(void *context, struct chek_bytes_view body)
{
    static _Alignas(16) uint8_t memory[65536];
    struct chek_arena arena = {.bytes = memory, .capacity = sizeof memory};
    struct chek_answer_report answer;
    struct chek_fault fault;
    int64_t *cash = context;
    int error = chek_answer_report_decode_whole(body.bytes, body.size, &arena, &answer, &fault);
    if (error == CHEK_OK) {
        *cash = answer.report->cash;
    }
    return error;
}

static int
ask(const struct chek_client_options *connection, uint32_t registration)
{
    struct chek_client *client;
    uint8_t bytes[64];
    int64_t cash = 0;
    struct chek_target target = {.registration = registration};
    struct chek_ask_report question = {.target = &target};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_ask_report_encode(&out, &question);
    int error = chek_client_connect(connection, &client, NULL);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_client_request(client, CHEK_OPCODE_ASK_REPORT, chek_bytes_view_of(bytes, out.size),
                                on_report, &cash);
    printf("cash %" PRId64 "\n", cash);
    chek_client_close(client);
    return error;
}

int
main(int argument_count, char **arguments)
{
    if (argument_count != 3) {
        return 2;
    }
    uint32_t registration = 0;
    struct chek_client_options connection = {.address = arguments[1],
                                             .token = chek_bytes_view_text(arguments[2]),
                                             .program = "outside/1",
                                             .source = 5};
    int error = feed(&connection, &registration);
    error = error == CHEK_OK ? ask(&connection, registration) : error;
    printf("%s\n", chek_error_text(error));
    return error == CHEK_OK ? 0 : 1;
}
