/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cpcr.c - any bytes as what a Kazakh register sends on a connection.
 *
 * Frames are split off and taken by a server of one register, as they would be: token and device are
 * put right, so that what is behind them is reached, half of the time. Every frame is answered by
 * one frame that our own schema reads; what is to be logged decodes, and is applied; a document that
 * was counted and comes again is answered with the same bytes. The state stays whole.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/limits.h"
#include "ingest/cpcr/cpcr_exchange.h"
#include "tests/fuzz/fuzz.h"

#define REGISTRATION 3
#define ARENA_SIZE ((size_t)32 * 1024 * 1024)

struct world {
    struct chek_partition *partition;
    struct chek_arena arena;
    struct chek_cpcr_ground ground;
};

static const struct chek_subject_key key = {.hash = {1}, .secret = {2}};

/* An io that has nothing but a clock and bytes that are no secret. */
static void
fake_random(struct chek_io *io, void *bytes, size_t size)
{
    (void)io;
    memset(bytes, 7, size);
}

static uint64_t
fake_wall_us(struct chek_io *io)
{
    (void)io;
    return UINT64_C(1772446260000000);
}

static const struct chek_io_table fake_table = {.random = fake_random, .wall_us = fake_wall_us};
static struct chek_io fake_io = {.table = &fake_table};

static void
apply(struct world *world, uint8_t kind, uint8_t verdict, struct chek_bytes_view body,
      struct chek_outcome *ret)
{
    struct chek_command command = {
        .envelope = {.kind = kind,
                     .verdict = verdict,
                     .partition = 1,
                     .registration = REGISTRATION,
                     .partition_seq = chek_partition_seq(world->partition) + 1},
        .body = body,
    };
    int error = chek_partition_ensure(world->partition, body.size);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_partition_apply(world->partition, &command, ret);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
world_begin(struct world *world)
{
    const struct chek_partition_config config = {.number = 1, .page_count_max = 4096};
    struct chek_register_key name = {.value = chek_bytes_view_text("600123")};
    struct chek_register profile = {
        .keys = &name, .keys_count = 1, .organisation = chek_bytes_view_text("123456789012")};
    struct chek_genesis genesis = {.partitions = 1, .map_seed = 5, .folder = {1}};
    struct chek_command_register registered = {.registration = REGISTRATION, .profile = &profile};
    struct chek_command_device device = {
        .registration = REGISTRATION, .device = 1, .policy = CHEK_CPCR_POLICY_DEFAULT};
    struct chek_command_operator person = {.organisation = profile.organisation,
                                           .login = chek_bytes_view_text("1"),
                                           .code = 7,
                                           .name = chek_bytes_view_text("Aliya"),
                                           .roles = 7};
    static const struct chek_nomenclature_element goods[] = {
        {.id = 1, .kind = CHEK_NOMENCLATURE_KIND_GROUP, .title = {(const uint8_t *)"g", 1}},
        {.id = 2,
         .parent = 1,
         .title = {(const uint8_t *)"t", 1},
         .barcode = {(const uint8_t *)"4", 1}},
    };
    struct chek_nomenclature list = {.organisation = profile.organisation,
                                     .elements = goods,
                                     .elements_count = CHEK_COUNT(goods)};
    struct chek_outcome outcome;
    uint8_t bytes[1024], hash[CHEK_OPERATOR_HASH_SIZE];
    int error = chek_partition_create(&config, NULL, &world->partition);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_arena_init(&world->arena, ARENA_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    world->ground = (struct chek_cpcr_ground){.partition = world->partition,
                                              .key = &key,
                                              .io = &fake_io,
                                              .qr_url = "http://x",
                                              .arena = &world->arena,
                                              .registration = REGISTRATION};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_genesis_encode(&out, &genesis);
    apply(world, CHEK_COMMAND_GENESIS, 0, chek_bytes_view_of(bytes, out.size), &outcome);
    out = chek_writer_over(bytes, sizeof bytes);
    chek_command_register_encode(&out, &registered);
    apply(world, CHEK_COMMAND_REGISTER, 0, chek_bytes_view_of(bytes, out.size), &outcome);
    out = chek_writer_over(bytes, sizeof bytes);
    chek_command_device_encode(&out, &device);
    apply(world, CHEK_COMMAND_DEVICE, 0, chek_bytes_view_of(bytes, out.size), &outcome);
    chek_cpcr_password(&key, person.organisation, 0, person.login, chek_bytes_view_text("2"), hash);
    person.hash = chek_bytes_view_of(hash, sizeof hash);
    out = chek_writer_over(bytes, sizeof bytes);
    chek_command_operator_encode(&out, &person);
    apply(world, CHEK_COMMAND_OPERATOR, 0, chek_bytes_view_of(bytes, out.size), &outcome);
    out = chek_writer_over(bytes, sizeof bytes);
    chek_nomenclature_encode(&out, &list);
    apply(world, CHEK_COMMAND_NOMENCLATURE, 0, chek_bytes_view_of(bytes, out.size), &outcome);
}

/* Take, log, apply and answer a frame. Returns whether it was counted. */
static bool
exchange(struct world *world, struct chek_bytes_view frame, struct chek_writer *answer)
{
    struct chek_cpcr_exchange exchange;
    struct chek_outcome outcome;
    chek_arena_reset(&world->arena);
    bool counted = chek_cpcr_take(&world->ground, frame, &exchange);
    if (counted) {
        for (uint32_t i = 0; i < exchange.subject_count; i++) {
            apply(world, CHEK_COMMAND_SUBJECT, 0, exchange.subject_bodies[i], &outcome);
        }
        apply(world, exchange.kind, exchange.verdict, exchange.body, &outcome);
        chek_cpcr_counted(&exchange, &outcome.result, CHEK_OK);
        counted = exchange.fault.code == CHEK_CPCR_OK && exchange.verdict == CHEK_VERDICT_CURRENT;
    }
    chek_arena_reset(&world->arena);
    chek_cpcr_answer(&world->ground, &exchange, answer);
    struct chek_cpcr_head head;
    int error = chek_cpcr_head_read(chek_bytes_view_of(answer->bytes, answer->size), &head);
    CHEK_ASSERT(error == CHEK_OK || answer->size > CHEK_CPCR_FRAME_SIZE_MAX);
    Ingest__Response *response = ingest__response__unpack(NULL, answer->size - CHEK_CPCR_HEAD_SIZE,
                                                          answer->bytes + CHEK_CPCR_HEAD_SIZE);
    CHEK_ASSERT(response != NULL && response->has_command && response->result->has_result_code);
    ingest__response__free_unpacked(response, NULL);
    return counted;
}

static void
frame_run(struct world *world, uint8_t *frame, struct chek_cpcr_head *head)
{
    static uint8_t first[CHEK_CPCR_ANSWER_SIZE_MAX], second[CHEK_CPCR_ANSWER_SIZE_MAX];
    struct chek_device device;
    struct chek_writer out = chek_writer_over(first, sizeof first);
    struct chek_writer again = chek_writer_over(second, sizeof second);
    int error = chek_partition_device(world->partition, REGISTRATION, &device);
    CHEK_ASSERT(error == CHEK_OK);
    if (head->token % 2 == 0) {
        head->token = chek_cpcr_token(&key, &device.token);
        chek_cpcr_head_write(head, frame);
    }
    if (exchange(world, chek_bytes_view_of(frame, head->size), &out)) {
        bool counted = exchange(world, chek_bytes_view_of(frame, head->size), &again);
        CHEK_ASSERT(!counted);
        CHEK_ASSERT(out.size == again.size && memcmp(first, second, out.size) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t frame[CHEK_CPCR_FRAME_SIZE_MAX];
    struct world world;
    struct chek_cpcr_head head;
    world_begin(&world);
    while (chek_cpcr_head_read(chek_bytes_view_of(bytes, size), &head) == CHEK_OK &&
           head.size <= size) {
        memcpy(frame, bytes, head.size);
        bytes += head.size;
        size -= head.size;
        frame_run(&world, frame, &head);
    }
    CHEK_ASSERT(chek_partition_is_valid(world.partition));
    chek_partition_destroy(world.partition);
    chek_arena_finish(&world.arena);
    return 0;
}
