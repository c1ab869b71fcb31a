/* SPDX-License-Identifier: MIT */
/*
 * test_device.c - what a partition remembers of registers that speak to the engine. (ingest/CPCR.md R20..R28)
 *
 * Commands are applied as the log would hand them over, and again from an image: state and hash
 * are the same.
 */
#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "engine/base/writer.h"
#include "engine/partition/device.h"
#include "tests/unit/table.h"

#define REGISTRATION 12
#define BODY_SIZE 4096

static struct chek_partition *partition;
static uint32_t alarm_count;

static void
on_event(void *context, uint16_t number, uint64_t event_seq, const struct chek_event *event)
{
    (void)context;
    (void)number;
    (void)event_seq;
    alarm_count += event->kind == CHEK_EVENT_KIND_ALARM;
}

static const struct chek_partition_config config = {.number = 1, .page_count_max = 1024};
static const struct chek_partition_sink sink = {NULL, on_event};

static struct chek_outcome
apply(uint8_t kind, uint8_t verdict, const uint8_t *body, size_t size, int want)
{
    struct chek_outcome outcome = {0};
    struct chek_command command = {
        .envelope = {.kind = kind,
                     .verdict = verdict,
                     .partition = 1,
                     .apply_version = CHEK_APPLY_VERSION,
                     .registration = REGISTRATION,
                     .partition_seq = chek_partition_seq(partition) + 1,
                     .time_us = UINT64_C(1767607200000000) + chek_partition_seq(partition)},
        .body = chek_bytes_view_of(body, size),
    };
    assert_error(chek_partition_ensure(partition, size), CHEK_OK);
    assert_error(chek_partition_apply(partition, &command, &outcome), want);
    return outcome;
}

#define APPLY(kind, verdict, name, record, want)                         \
    do {                                                                 \
        uint8_t body_[BODY_SIZE];                                        \
        struct chek_writer out_ = chek_writer_over(body_, sizeof body_); \
        chek_##name##_encode(&out_, record);                             \
        assert_false(out_.full);                                         \
        outcome = apply(kind, verdict, body_, out_.size, want);          \
    } while (0)

static int
setup(void **state)
{
    struct chek_outcome outcome;
    struct chek_register_key name = {.kind = CHEK_KEY_KIND_DEVICE,
                                     .value = chek_bytes_view_text("201873")};
    struct chek_register profile = {
        .keys = &name, .keys_count = 1, .organisation = chek_bytes_view_text("123456789012")};
    (void)state;
    alarm_count = 0;
    assert_error(chek_partition_create(&config, &sink, &partition), CHEK_OK);
    APPLY(CHEK_COMMAND_GENESIS, 0, genesis,
          (&(struct chek_genesis){.partitions = 1, .map_seed = 5, .folder = {1}}), CHEK_OK);
    APPLY(CHEK_COMMAND_REGISTER, 0, command_register,
          (&(struct chek_command_register){.registration = REGISTRATION, .profile = &profile}),
          CHEK_OK);
    return outcome.error;
}

static int
teardown(void **state)
{
    (void)state;
    chek_partition_destroy(partition);
    return 0;
}

static struct chek_device
device_read(void)
{
    struct chek_device device;
    assert_error(chek_partition_device(partition, REGISTRATION, &device), CHEK_OK);
    return device;
}

static struct chek_outcome
device_change(uint8_t change, uint32_t mask)
{
    struct chek_outcome outcome;
    struct chek_command_device what = {
        .registration = REGISTRATION, .change = change, .device = 201873, .mask = mask};
    APPLY(CHEK_COMMAND_DEVICE, 0, command_device, &what, CHEK_OK);
    return outcome;
}

/* An exchange as it is judged now, with what a test wants to be different. */
static struct chek_command_exchange
exchange_now(uint16_t request)
{
    struct chek_device device = device_read();
    return (struct chek_command_exchange){.resets = device.token.resets,
                                          .count = device.token.count,
                                          .request = request,
                                          .command = 1,
                                          .digest = request,
                                          .sign = 1000 + request,
                                          .time = 1767607200,
                                          .total = 500};
}

static struct chek_outcome
sell(struct chek_command_exchange *what, int64_t total)
{
    struct chek_outcome outcome;
    struct chek_payment payment = {.sum = total};
    struct chek_line line = {.sum = total};
    struct chek_receipt receipt = {.time = 1767607200 + what->request,
                                   .sign = what->sign,
                                   .total = total,
                                   .payments = &payment,
                                   .payments_count = 1,
                                   .lines = &line,
                                   .lines_count = 1};
    struct chek_document document = {.registration = REGISTRATION, .receipt = &receipt};
    what->document = &document;
    APPLY(CHEK_COMMAND_EXCHANGE, CHEK_VERDICT_CURRENT, command_exchange, what, CHEK_OK);
    return outcome;
}

static void
test_a_device_is_added_once(void **state)
{
    struct chek_device device;
    (void)state;
    assert_error(chek_partition_device(partition, REGISTRATION, &device), CHEK_E_NOT_FOUND);
    assert_error(device_change(CHEK_DEVICE_CHANGE_RESET, 0).error, CHEK_E_NOT_FOUND);
    assert_error(device_change(CHEK_DEVICE_CHANGE_ADD, 7).error, CHEK_OK);
    device = device_read();
    assert_int_equal(device.token.device, 201873);
    assert_int_equal(device.token.mask, 7);
    assert_int_equal(device.token.count, 0);
    assert_false(device.has_last);
    assert_error(device_change(CHEK_DEVICE_CHANGE_ADD, 8).error, CHEK_E_EXISTS);
    assert_int_equal(device_read().token.mask, 7);
    assert_true(chek_partition_is_valid(partition));
}

/* R22: the document and the token move in one step. */
static void
test_a_document_moves_the_token(void **state)
{
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 7);
    struct chek_command_exchange what = exchange_now(40);
    assert_int_equal(sell(&what, 500).result.status, CHEK_STATUS_STORED);
    struct chek_device device = device_read();
    assert_int_equal(device.token.count, 1);
    assert_int_equal(device.token.mask, 0);
    assert_true(device.has_last);
    assert_int_equal(device.last_token.count, 0);
    assert_int_equal(device.last_token.mask, 7);
    assert_int_equal(device.last_request, 40);
    assert_int_equal(device.last_sign, 1040);
    assert_int_equal(device.documents, 1);
    assert_int_equal(device.now.tickets[CHEK_OPERATION_SELL], 1);
    assert_int_equal(device.ticket_shift, 1);
    assert_int_equal(device.ticket_time, 1767607240);
}

/* R26: what was judged by another state does nothing at all. */
static void
test_a_judgement_of_another_state_does_nothing(void **state)
{
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 0);
    struct chek_command_exchange first = exchange_now(1);
    struct chek_command_exchange late = first;
    sell(&first, 500);
    late.request = 2;
    struct chek_outcome outcome = sell(&late, 600);
    assert_int_equal(outcome.result.status, CHEK_STATUS_REFUSED);
    assert_int_equal(outcome.result.code, -CHEK_E_CONFLICT);
    struct chek_command_exchange reset = exchange_now(3);
    device_change(CHEK_DEVICE_CHANGE_RESET, 9);
    assert_int_equal(sell(&reset, 700).result.status, CHEK_STATUS_REFUSED);
    struct chek_device device = device_read();
    assert_int_equal(device.documents, 1);
    assert_int_equal(device.last_request, 1);
    struct chek_fiscal_now now;
    assert_error(chek_fiscal_now(chek_partition_fiscal(partition), REGISTRATION, &now), CHEK_OK);
    assert_int_equal(now.cash, 500);
}

/* R26: nor what was judged before a reset, when as many tokens were given out as now. */
static void
test_a_judgement_before_a_reset_does_nothing(void **state)
{
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 0);
    struct chek_command_exchange what = exchange_now(1);
    device_change(CHEK_DEVICE_CHANGE_RESET, 9);
    assert_int_equal(device_read().token.count, what.count);
    assert_int_equal(sell(&what, 700).result.status, CHEK_STATUS_REFUSED);
    assert_int_equal(device_read().documents, 0);
}

/* R22: a refused document moves nothing, its token is still due. */
static void
test_a_refused_document_moves_nothing(void **state)
{
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 0);
    struct chek_command_exchange what = exchange_now(1);
    sell(&what, 500);
    struct chek_command_exchange same = exchange_now(1);
    same.sign = what.sign; /* another document under a sign that is taken: a conflict */
    assert_int_equal(sell(&same, 501).result.status, CHEK_STATUS_CONFLICT);
    struct chek_device device = device_read();
    assert_int_equal(device.token.count, 1);
    assert_int_equal(device.documents, 1);
    assert_int_equal(device.now.tickets[CHEK_OPERATION_SELL], 1);
}

/* R23 */
static void
test_a_repeat_that_differs_is_counted(void **state)
{
    struct chek_outcome outcome;
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 0);
    struct chek_command_exchange what = exchange_now(1);
    sell(&what, 500);
    struct chek_command_exchange repeat = exchange_now(1);
    APPLY(CHEK_COMMAND_EXCHANGE, CHEK_VERDICT_PREVIOUS, command_exchange, &repeat, CHEK_OK);
    assert_int_equal(outcome.result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(alarm_count, 1);
    struct chek_device device = device_read();
    assert_int_equal(device.retries_differing, 1);
    assert_int_equal(device.token.count, 1);
    assert_int_equal(device.documents, 1);
}

/* R75: an exchange whose document is there already. */
static void
test_a_document_that_is_there_moves_the_token_alone(void **state)
{
    struct chek_outcome outcome;
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 0);
    struct chek_command_exchange what = exchange_now(1);
    sell(&what, 500);
    struct chek_command_exchange again = exchange_now(2);
    again.sign = what.sign;
    again.shift = 1;
    APPLY(CHEK_COMMAND_EXCHANGE, CHEK_VERDICT_CURRENT, command_exchange, &again, CHEK_OK);
    assert_int_equal(outcome.result.status, CHEK_STATUS_DUPLICATE);
    struct chek_device device = device_read();
    assert_int_equal(device.token.count, 2);
    assert_int_equal(device.last_sign, 1001);
    assert_int_equal(device.last_shift, 1);
    assert_int_equal(device.now.tickets[CHEK_OPERATION_SELL], 1);
}

/* R61: a close keeps what the totals were. */
static void
test_totals_at_a_close(void **state)
{
    struct chek_outcome outcome;
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 0);
    struct chek_command_exchange what = exchange_now(1);
    sell(&what, 500);
    what = exchange_now(2);
    struct chek_close close = {.time = 1767610000, .sign = 5};
    struct chek_document document = {.registration = REGISTRATION, .close = &close};
    what.command = 2;
    what.document = &document;
    APPLY(CHEK_COMMAND_EXCHANGE, CHEK_VERDICT_CURRENT, command_exchange, &what, CHEK_OK);
    assert_int_equal(outcome.result.status, CHEK_STATUS_STORED);
    what = exchange_now(3);
    sell(&what, 600);
    struct chek_device device = device_read();
    assert_int_equal(device.closed.tickets[CHEK_OPERATION_SELL], 1);
    assert_int_equal(device.now.tickets[CHEK_OPERATION_SELL], 2);
    assert_int_equal(device.ticket_shift, 2);
}

static uint64_t
withdrawals_after_close(uint16_t request, int64_t time)
{
    struct chek_outcome outcome;
    struct chek_command_exchange what = exchange_now(request);
    struct chek_close close = {.time = time, .withdraw = true, .sign = request};
    struct chek_document document = {.registration = REGISTRATION, .close = &close};
    what.command = 2;
    what.document = &document;
    APPLY(CHEK_COMMAND_EXCHANGE, CHEK_VERDICT_CURRENT, command_exchange, &what, CHEK_OK);
    assert_int_equal(outcome.result.status, CHEK_STATUS_STORED);
    struct chek_device device = device_read();
    assert_int_equal(device.now.movements[CHEK_DIRECTION_WITHDRAWAL],
                     device.closed.movements[CHEK_DIRECTION_WITHDRAWAL]);
    return device.now.movements[CHEK_DIRECTION_WITHDRAWAL];
}

/* R61: what a close takes out of the drawer is a withdrawal, unless there is nothing in it. */
static void
test_a_withdrawal_with_a_close_is_counted(void **state)
{
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 0);
    struct chek_command_exchange what = exchange_now(1);
    sell(&what, 500);
    assert_int_equal(withdrawals_after_close(2, 1767610000), 1);
    assert_int_equal(withdrawals_after_close(3, 1767620000), 1);
}

/* R28: the exchange counted last can be repeated after a reset. */
static void
test_a_reset_begins_anew_and_keeps_the_last(void **state)
{
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 7);
    struct chek_command_exchange what = exchange_now(1);
    sell(&what, 500);
    device_change(CHEK_DEVICE_CHANGE_RESET, 0);
    device_change(CHEK_DEVICE_CHANGE_BLOCK, 0);
    struct chek_device device = device_read();
    assert_int_equal(device.token.resets, 1);
    assert_int_equal(device.token.count, 0);
    assert_true(device.blocked);
    assert_int_equal(device.last_token.resets, 0);
    assert_int_equal(device.last_token.mask, 7);
    device_change(CHEK_DEVICE_CHANGE_UNBLOCK, 0);
    assert_false(device_read().blocked);
    assert_int_equal(device_read().documents, 1);
}

/* An image, loaded, is the same state, and goes on to the same. */
static void
test_devices_are_in_the_image(void **state)
{
    (void)state;
    device_change(CHEK_DEVICE_CHANGE_ADD, 7);
    for (uint16_t i = 1; i < 20; i++) {
        struct chek_command_exchange what = exchange_now(i);
        sell(&what, 100 + i);
    }
    size_t capacity = chek_partition_image_size(partition);
    uint8_t *image = chek_memory_allocate(capacity);
    assert_non_null(image);
    struct chek_writer out = chek_writer_over(image, capacity);
    chek_partition_image_write(partition, &out);
    assert_false(out.full);
    struct chek_device before = device_read();
    uint64_t hash = chek_partition_hash(partition);
    chek_partition_destroy(partition);
    partition = NULL;
    assert_error(chek_partition_load(&config, &sink, chek_bytes_view_of(image, out.size), NULL, 0,
                                     &partition),
                 CHEK_OK);
    chek_memory_free(image, capacity);
    struct chek_device after = device_read();
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(chek_partition_hash(partition), hash);
    assert_true(chek_partition_is_valid(partition));
    struct chek_command_exchange what = exchange_now(20);
    assert_int_equal(sell(&what, 1).result.status, CHEK_STATUS_STORED);
    assert_int_equal(device_read().documents, 20);
}

/* A device without a registration, an exchange without a device: a damaged log. */
static void
test_commands_that_follow_from_nothing_are_corrupt(void **state)
{
    struct chek_outcome outcome;
    struct chek_command_device what = {.registration = REGISTRATION + 1, .device = 1};
    struct chek_command_exchange exchange = {.request = 1};
    (void)state;
    APPLY(CHEK_COMMAND_DEVICE, 0, command_device, &what, CHEK_E_CORRUPT);
    APPLY(CHEK_COMMAND_EXCHANGE, CHEK_VERDICT_CURRENT, command_exchange, &exchange, CHEK_E_CORRUPT);
    (void)outcome;
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_a_device_is_added_once);
    TABLE_TEST(&table, test_a_document_moves_the_token);
    TABLE_TEST(&table, test_a_judgement_of_another_state_does_nothing);
    TABLE_TEST(&table, test_a_judgement_before_a_reset_does_nothing);
    TABLE_TEST(&table, test_a_refused_document_moves_nothing);
    TABLE_TEST(&table, test_a_repeat_that_differs_is_counted);
    TABLE_TEST(&table, test_a_document_that_is_there_moves_the_token_alone);
    TABLE_TEST(&table, test_totals_at_a_close);
    TABLE_TEST(&table, test_a_withdrawal_with_a_close_is_counted);
    TABLE_TEST(&table, test_a_reset_begins_anew_and_keeps_the_last);
    TABLE_TEST(&table, test_devices_are_in_the_image);
    TABLE_TEST(&table, test_commands_that_follow_from_nothing_are_corrupt);
    for (size_t i = 0; i < table.count; i++) {
        table.tests[i].setup_func = setup;
        table.tests[i].teardown_func = teardown;
    }
    return table_run(&table, "device");
}
