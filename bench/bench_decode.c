/* SPDX-License-Identifier: MIT */
/*
 * bench_decode.c - what reading and writing a document of the wire costs.
 *
 * A thousand different receipts of the reference workload's profile A a turn, so that neither the
 * branch predictor nor the first cache knows them by heart. Items are documents.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/money.h"
#include "engine/base/prng.h"
#include "engine/wire/protocol.h"

#define DOCUMENT_COUNT 1000
#define LINE_COUNT_MAX 5
#define RATE 16000 /* 16 % */
#define CLIENT_PER_MILLION 300000
#define FIRST_TIME 1767225600 /* 2026-01-01T00:00 */

struct made {
    char code[8], section[2], client[12];
    struct chek_line lines[LINE_COUNT_MAX];
    struct chek_tax taxes[LINE_COUNT_MAX];
    struct chek_payment payment;
    struct chek_receipt receipt;
    struct chek_document document;
};

static struct made made[DOCUMENT_COUNT];
static char texts[DOCUMENT_COUNT][LINE_COUNT_MAX][2][8];
static uint8_t bytes[DOCUMENT_COUNT * 512];
static struct chek_bytes_view encoded[DOCUMENT_COUNT];
static _Alignas(64) uint8_t memory[65536];

static struct chek_bytes_view
text_of(char *to, uint64_t value)
{
    size_t size = 0;
    do {
        to[size++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return chek_bytes_view_of(to, size);
}

static void
make_line(struct made *one, char text[2][8], struct chek_prng *prng, uint32_t i)
{
    uint64_t product = chek_prng_below(prng, 50000);
    int64_t pieces = 1 + (int64_t)chek_prng_below(prng, 4);
    int64_t price = 1000 + 100 * (int64_t)chek_prng_below(prng, 5000);

    one->taxes[i] = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = RATE};
    one->taxes[i].sum = chek_money_tax_included(pieces * price, RATE);
    one->lines[i] = (struct chek_line){
        .code = text_of(text[0], product),
        .section = text_of(text[1], product % 8),
        .quantity = pieces * 1000000,
        .price = price,
        .sum = pieces * price,
        .taxes = &one->taxes[i],
        .taxes_count = 1,
    };
    one->receipt.total += pieces * price;
}

static void
make_document(struct made *one, char text[LINE_COUNT_MAX][2][8], struct chek_prng *prng,
              uint32_t index, uint32_t line_count)
{
    *one = (struct made){0};
    for (uint32_t i = 0; i < line_count; i++) {
        make_line(one, text[i], prng, i);
    }
    one->payment.kind = (uint8_t)chek_prng_below(prng, 3);
    one->payment.sum = one->receipt.total;
    one->receipt.operation = chek_prng_chance(prng, 40000) ? 1 : 0;
    one->receipt.time = FIRST_TIME + index;
    one->receipt.shift = 1 + index / 100;
    one->receipt.document = 1 + index;
    one->receipt.sign = chek_prng_next(prng);
    if (chek_prng_chance(prng, CLIENT_PER_MILLION)) {
        one->receipt.client = text_of(one->client, chek_prng_below(prng, 500000));
    }
    one->receipt.lines = one->lines;
    one->receipt.lines_count = line_count;
    one->receipt.payments = &one->payment;
    one->receipt.payments_count = 1;
    one->document.registration = 1 + (uint32_t)chek_prng_below(prng, 2000);
    one->document.receipt = &one->receipt;
}

/* `line_count` lines each, or 1 to 5 for 0. Returns the bytes of all documents. */
static size_t
make(uint32_t line_count)
{
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_prng prng;
    chek_prng_init(&prng, 1);
    for (uint32_t i = 0; i < DOCUMENT_COUNT; i++) {
        uint32_t count =
            line_count != 0 ? line_count : 1 + (uint32_t)chek_prng_below(&prng, LINE_COUNT_MAX);
        size_t begin = out.size;
        make_document(&made[i], texts[i], &prng, i, count);
        chek_document_encode(&out, &made[i].document);
        encoded[i] = chek_bytes_view_of(bytes + begin, out.size - begin);
    }
    CHEK_ASSERT(!out.full);
    return out.size;
}

static void
run_decode(struct chek_bench_state *state)
{
    size_t size = make((uint32_t)chek_bench_argument(state));
    struct chek_arena arena;
    chek_arena_init_over(&arena, memory, sizeof memory);

    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < DOCUMENT_COUNT; i++) {
            struct chek_document document;
            chek_arena_reset(&arena);
            int error = chek_document_decode_whole(encoded[i].bytes, encoded[i].size, &arena,
                                                   &document, NULL);
            CHEK_ASSERT(error == CHEK_OK);
            chek_bench_keep((uint64_t)document.receipt->total);
        }
    }
    chek_bench_set_items(state, DOCUMENT_COUNT);
    chek_bench_set_bytes(state, size);
    chek_bench_set_counter(state, "bytes_a_document", (double)size / DOCUMENT_COUNT);
    chek_bench_set_counter(state, "arena_a_document", (double)arena.used_max);
}

static void
run_encode(struct chek_bench_state *state)
{
    size_t size = make((uint32_t)chek_bench_argument(state));

    while (chek_bench_next(state)) {
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        for (uint32_t i = 0; i < DOCUMENT_COUNT; i++) {
            chek_document_encode(&out, &made[i].document);
        }
        chek_bench_keep(out.size);
    }
    chek_bench_set_items(state, DOCUMENT_COUNT);
    chek_bench_set_bytes(state, size);
}

void
chek_bench_cases(void)
{
    static const int64_t line_counts[] = {1, 3, 0};

    chek_bench_add_each("decode_document/lines", run_decode, line_counts, CHEK_COUNT(line_counts));
    chek_bench_add_each("encode_document/lines", run_encode, line_counts, CHEK_COUNT(line_counts));
}
