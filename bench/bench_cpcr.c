/* SPDX-License-Identifier: MIT */
/*
 * bench_cpcr.c - what a ticket of a Kazakh register costs the shard that owns the register.
 *
 * `take`: the frame checked and unpacked, judged, its document made, checked and encoded for the log.
 * `exchange`: that, applied to a partition with its totals, and answered. One register, cached; items are tickets.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "ingest/cpcr/cpcr_exchange.h"

#define REGISTRATION 3
#define LINE_COUNT_MAX 16
#define ARENA_SIZE ((size_t)32 * 1024 * 1024)

static const struct chek_subject_key key = {.hash = {1}, .secret = {2}};

/* All that a document asks the world for is the time. */
static uint64_t
fixed_wall_us(struct chek_io *io)
{
    (void)io;
    return UINT64_C(1772446260000000);
}

static const struct chek_io_table fixed_table = {.wall_us = fixed_wall_us};
static struct chek_io fixed_io = {.table = &fixed_table};
static struct chek_partition *partition;
static struct chek_arena arena;
static struct chek_cpcr_ground ground;
static uint8_t frame[CHEK_CPCR_FRAME_SIZE_MAX];
static uint8_t answer[CHEK_CPCR_ANSWER_SIZE_MAX];
static struct chek_cpcr_head head;

static void
apply(uint8_t kind, uint8_t verdict, struct chek_bytes_view body, struct chek_outcome *ret)
{
    struct chek_command command = {.envelope = {.kind = kind,
                                                .verdict = verdict,
                                                .partition = 1,
                                                .registration = REGISTRATION,
                                                .partition_seq = chek_partition_seq(partition) + 1},
                                   .body = body};
    int error = chek_partition_ensure(partition, body.size);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_partition_apply(partition, &command, ret);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
world_begin(void)
{
    const struct chek_partition_config config = {.number = 1, .page_count_max = 65536};
    struct chek_register_key name = {.value = chek_bytes_view_text("600123")};
    struct chek_register profile = {
        .keys = &name, .keys_count = 1, .organisation = chek_bytes_view_text("123456789012")};
    struct chek_genesis genesis = {.partitions = 1, .map_seed = 5, .folder = {1}};
    struct chek_command_register registered = {.registration = REGISTRATION, .profile = &profile};
    struct chek_command_device device = {.registration = REGISTRATION, .device = 1};
    struct chek_outcome outcome;
    uint8_t bytes[1024];
    int error = chek_partition_create(&config, NULL, &partition);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_arena_init(&arena, ARENA_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    ground = (struct chek_cpcr_ground){.partition = partition,
                                       .key = &key,
                                       .io = &fixed_io,
                                       .qr_url = "http://consumer.oofd.kz",
                                       .arena = &arena,
                                       .registration = REGISTRATION};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_genesis_encode(&out, &genesis);
    apply(CHEK_COMMAND_GENESIS, 0, chek_bytes_view_of(bytes, out.size), &outcome);
    out = chek_writer_over(bytes, sizeof bytes);
    chek_command_register_encode(&out, &registered);
    apply(CHEK_COMMAND_REGISTER, 0, chek_bytes_view_of(bytes, out.size), &outcome);
    out = chek_writer_over(bytes, sizeof bytes);
    chek_command_device_encode(&out, &device);
    apply(CHEK_COMMAND_DEVICE, 0, chek_bytes_view_of(bytes, out.size), &outcome);
}

static void
world_end(void)
{
    chek_partition_destroy(partition);
    chek_arena_finish(&arena);
}

static ProtobufCBinaryData
text_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

/* A sale of bread, so many times, with VAT, for cash. */
static void
frame_make(uint32_t line_count)
{
    static Ingest__Commodity goods[LINE_COUNT_MAX];
    static Ingest__Item items[LINE_COUNT_MAX];
    static Ingest__Item *list[LINE_COUNT_MAX];
    Ingest__Money price = INGEST__MONEY__INIT, total = INGEST__MONEY__INIT;
    Ingest__Money vat = INGEST__MONEY__INIT;
    Ingest__Tax tax = INGEST__TAX__INIT, *taxes = &tax;
    Ingest__Payment payment = INGEST__PAYMENT__INIT, *payments = &payment;
    Ingest__Amounts amounts = INGEST__AMOUNTS__INIT;
    Ingest__Date date = INGEST__DATE__INIT;
    Ingest__Time time = INGEST__TIME__INIT;
    Ingest__DateTime when = INGEST__DATE_TIME__INIT;
    Ingest__Operator cashier = INGEST__OPERATOR__INIT;
    Ingest__TicketRequest ticket = INGEST__TICKET_REQUEST__INIT;
    Ingest__Request request = INGEST__REQUEST__INIT;

    price.has_bills = price.has_coins = total.has_bills = total.has_coins = 1;
    vat.has_bills = vat.has_coins = 1;
    price.bills = 300;
    vat.bills = 41;
    vat.coins = 38;
    total.bills = (uint64_t)300 * line_count;
    tax.has_tax_type = tax.has_percent = tax.has_is_in_total_sum = 1;
    tax.tax_type = 100;
    tax.percent = 16000;
    tax.sum = &vat;
    tax.is_in_total_sum = 1;
    for (uint32_t i = 0; i < line_count; i++) {
        ingest__commodity__init(&goods[i]);
        ingest__item__init(&items[i]);
        goods[i].has_name = goods[i].has_section_code = goods[i].has_measure_unit_code = 1;
        goods[i].has_quantity = goods[i].has_barcode = 1;
        goods[i].name = text_of("Хлеб пшеничный");
        goods[i].section_code = text_of("1");
        goods[i].measure_unit_code = text_of("796");
        goods[i].barcode = text_of("4870001234567");
        goods[i].quantity = 1000;
        goods[i].price = goods[i].sum = &price;
        goods[i].taxes = &taxes;
        goods[i].n_taxes = 1;
        items[i].has_type = 1;
        items[i].type = INGEST__ITEM_TYPE__ITEM_COMMODITY;
        items[i].commodity = &goods[i];
        list[i] = &items[i];
    }
    payment.has_type = 1;
    payment.sum = &total;
    amounts.total = &total;
    date.has_year = date.has_month = date.has_day = time.has_hour = time.has_minute = 1;
    date.year = 2026;
    date.month = 3;
    date.day = 2;
    when.date = &date;
    when.time = &time;
    cashier.has_code = cashier.has_name = 1;
    cashier.name = text_of("Алия");
    ticket.has_operation = 1;
    ticket.operation = INGEST__OPERATION_TYPE__OPERATION_SELL;
    ticket.date_time = &when;
    ticket.operator_ = &cashier;
    ticket.items = list;
    ticket.n_items = line_count;
    ticket.payments = &payments;
    ticket.n_payments = 1;
    ticket.amounts = &amounts;
    request.has_command = 1;
    request.command = INGEST__COMMAND_TYPE__COMMAND_TICKET;
    request.ticket = &ticket;
    size_t size = ingest__request__pack(&request, frame + CHEK_CPCR_HEAD_SIZE);
    head = (struct chek_cpcr_head){
        .size = (uint32_t)(CHEK_CPCR_HEAD_SIZE + size), .device = 1, .version = 202};
}

/* A minute later: 2026-03-02T00:00 and on, the bytes of month, day, hour and minute in the frame. */
static void
time_next(uint32_t minute)
{
    static const uint8_t before[] = {0x12, 0x0f, 0x0a, 0x07, 0x08, 0xea, 0x0f, 0x10};
    static size_t at;
    if (minute == 0) {
        for (at = CHEK_CPCR_HEAD_SIZE; memcmp(frame + at, before, sizeof before) != 0; at++) {
            CHEK_ASSERT(at < head.size);
        }
        at += sizeof before;
    }
    frame[at] = (uint8_t)(1 + minute / 40320 % 12);
    frame[at + 2] = (uint8_t)(1 + minute / 1440 % 28);
    frame[at + 6] = (uint8_t)(minute / 60 % 24);
    frame[at + 8] = (uint8_t)(minute % 60);
}

/* As the register would: the token that is due, another number. */
static void
head_next(void)
{
    struct chek_device device;
    int error = chek_partition_device(partition, REGISTRATION, &device);
    CHEK_ASSERT(error == CHEK_OK);
    head.token = chek_cpcr_token(&key, &device.token);
    head.request += 1;
    chek_cpcr_head_write(&head, frame);
}

static void
run_take(struct chek_bench_state *state)
{
    world_begin();
    frame_make((uint32_t)chek_bench_argument(state));
    head_next();
    while (chek_bench_next(state)) {
        struct chek_cpcr_exchange exchange;
        chek_arena_reset(&arena);
        bool logged = chek_cpcr_take(&ground, chek_bytes_view_of(frame, head.size), &exchange);
        CHEK_ASSERT(logged);
        chek_bench_keep(exchange.body.size);
    }
    chek_bench_set_items(state, 1);
    chek_bench_set_counter(state, "bytes_a_request", (double)head.size);
    world_end();
}

static void
run_exchange(struct chek_bench_state *state)
{
    world_begin();
    frame_make((uint32_t)chek_bench_argument(state));
    uint32_t minute = 0;
    while (chek_bench_next(state)) {
        struct chek_cpcr_exchange exchange;
        struct chek_outcome outcome;
        struct chek_writer out = chek_writer_over(answer, sizeof answer);
        head_next();
        time_next(minute++);
        chek_arena_reset(&arena);
        bool logged = chek_cpcr_take(&ground, chek_bytes_view_of(frame, head.size), &exchange);
        CHEK_ASSERT(logged);
        apply(exchange.kind, exchange.verdict, exchange.body, &outcome);
        chek_cpcr_counted(&exchange, &outcome.result, CHEK_OK);
        chek_arena_reset(&arena);
        chek_cpcr_answer(&ground, &exchange, &out);
        CHEK_ASSERT(exchange.fault.code == CHEK_CPCR_OK);
        chek_bench_keep(out.size);
    }
    chek_bench_set_items(state, 1);
    world_end();
}

void
chek_bench_cases(void)
{
    static const int64_t line_counts[] = {1, 3, 10};
    chek_bench_add_each("take/lines", run_take, line_counts, CHEK_COUNT(line_counts));
    chek_bench_add_each("exchange/lines", run_exchange, line_counts, CHEK_COUNT(line_counts));
}
