/* SPDX-License-Identifier: MIT */
/* partition_history.c - the commands of a random history. */
#include "tests/prop/partition_history.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/money.h"

static struct chek_bytes_view
text_of(const char *const *texts, size_t count, uint64_t draw)
{
    return chek_bytes_view_text(texts[draw % count]);
}

/* A receipt in shape: lines with tax inside, one payment, sometimes a discount behind a line. */
static size_t
receipt_make(struct partition_history *history, uint32_t index)
{
    static const char *const codes[] = {"A1", "B2", "C3", "D4", "хлеб", "молоко", "чай"};
    static const char *const people[] = {"", "Анна", "Болат", "Вера"};
    struct chek_prng *prng = &history->prng;
    struct chek_line lines[9] = {0};
    struct chek_tax taxes[9] = {0};
    uint32_t count = 0;
    int64_t total = 0;
    uint32_t wanted = 1 + (uint32_t)chek_prng_below(prng, 4);

    for (uint32_t i = 0; i < wanted; i++) {
        struct chek_line *line = &lines[count];
        line->code = text_of(codes, CHEK_COUNT(codes), chek_prng_next(prng));
        line->section = chek_bytes_view_text(chek_prng_chance(prng, 500000) ? "1" : "2");
        line->quantity = 1000000;
        line->price = line->sum = 1000 + (int64_t)chek_prng_below(prng, 100000);
        taxes[count] = (struct chek_tax){
            .kind = CHEK_TAX_KIND_VAT,
            .rate = 16000,
            .sum = chek_money_tax_included(line->sum, 16000),
        };
        line->taxes = &taxes[count];
        line->taxes_count = 1;
        total += line->sum;
        count += 1;
        if (chek_prng_chance(prng, 100000)) {
            lines[count] = (struct chek_line){.kind = CHEK_LINE_KIND_DISCOUNT, .sum = 100};
            total -= 100;
            count += 1;
        }
    }
    struct chek_payment payment = {.kind = (uint8_t)chek_prng_below(prng, 3), .sum = total};
    struct chek_receipt receipt = {
        .operation = (uint8_t)(chek_prng_chance(prng, 100000) ? 1 : 0),
        .time = history->time,
        .shift = history->shift[index],
        .document = ++history->number[index],
        .sign = chek_prng_next(prng) | 1,
        .operator= text_of(people, CHEK_COUNT(people), chek_prng_next(prng)),
        .total = total,
        .payments = &payment,
        .payments_count = 1,
        .lines = lines,
        .lines_count = count,
    };
    struct chek_document document = {.registration = index + 1, .receipt = &receipt};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    chek_document_encode(&out, &document);
    CHEK_ASSERT(!out.full);
    return out.size;
}

static size_t
close_make(struct partition_history *history, uint32_t index)
{
    struct chek_close close = {.time = history->time,
                               .shift = history->shift[index]++,
                               .document = ++history->number[index],
                               .withdraw = chek_prng_chance(&history->prng, 500000)};
    struct chek_document document = {.registration = index + 1, .close = &close};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    chek_document_encode(&out, &document);
    return out.size;
}

static size_t
register_make(struct partition_history *history, uint32_t index)
{
    char name[] = "KZ0";
    name[2] = (char)('0' + index);
    struct chek_register_key key = {.kind = 0, .value = chek_bytes_view_text(name)};
    struct chek_register profile = {
        .keys = &key,
        .keys_count = 1,
        .organisation = chek_bytes_view_text("123456789012"),
        .point = chek_bytes_view_text(chek_prng_chance(&history->prng, 500000) ? "P1" : "P2")};
    struct chek_command_register body = {.registration = index + 1, .profile = &profile};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    chek_command_register_encode(&out, &body);
    return out.size;
}

static size_t
genesis_make(struct partition_history *history)
{
    struct chek_genesis genesis = {
        .partitions = 4, .map_seed = 77, .dictionary_count_max = 1000, .dictionary_size_max = 1000};
    struct chek_writer out = chek_writer_over(history->body, sizeof history->body);
    memset(genesis.folder, 5, sizeof genesis.folder);
    chek_genesis_encode(&out, &genesis);
    return out.size;
}

struct chek_command
partition_history_next(struct partition_history *history)
{
    struct chek_prng *prng = &history->prng;
    uint32_t index = (uint32_t)chek_prng_below(prng, PARTITION_HISTORY_REGISTERS);
    struct chek_command command = {.envelope = {.partition = 3, .apply_version = 1}};
    struct chek_envelope *envelope = &command.envelope;
    size_t size;

    history->time += (int64_t)chek_prng_below(prng, 300);
    history->seq += 1;
    envelope->kind = CHEK_COMMAND_DOCUMENT;
    if (history->seq == 1) {
        envelope->kind = CHEK_COMMAND_GENESIS;
        size = genesis_make(history);
    } else if (history->seq <= PARTITION_HISTORY_REGISTERS + 1) {
        index = (uint32_t)history->seq - 2;
        envelope->kind = CHEK_COMMAND_REGISTER;
        size = register_make(history, index);
    } else if (chek_prng_chance(prng, 30000) && history->last_size != 0) {
        index = history->last_register;
        size = history->last_size;
        memcpy(history->body, history->last_body, size);
    } else if (chek_prng_chance(prng, 20000)) {
        size = close_make(history, index);
    } else {
        size = receipt_make(history, index);
        history->last_size = size;
        history->last_register = index;
        memcpy(history->last_body, history->body, size);
    }
    envelope->registration = index + 1;
    envelope->partition_seq = history->seq;
    envelope->time_us = UINT64_C(1800000000000000) + history->seq;
    envelope->entropy = chek_prng_next(prng);
    envelope->source = 9;
    envelope->source_offset = history->seq;
    command.body = chek_bytes_view_of(history->body, size);
    return command;
}

void
partition_history_begin(struct partition_history *history, uint64_t seed)
{
    memset(history, 0, sizeof *history);
    chek_prng_init(&history->prng, seed);
    history->time = 1767225600;
    for (uint32_t i = 0; i < PARTITION_HISTORY_REGISTERS; i++) {
        history->shift[i] = 1;
    }
}
